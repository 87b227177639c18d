// A confirmation counts for reads that were asked after it.
// killers: test_reads
@@
@@
reads_confirm(...)
{
<...
- read->id == 0 || read->id > out->reads_ready
+ read->id == 0
...>
}
