// Reads that the leader confirmed are counted as answered by a lease.
// killers: test_reads
@@
@@
reads_confirm(...)
{
<...
- read->id > out->reads_confirmed
+ read->id > 0
...>
}
