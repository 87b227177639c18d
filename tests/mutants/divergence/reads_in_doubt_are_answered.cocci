// Reads are answered although another node has a different tree.
// killers: test_reads
@@
@@
replica_read_by(...)
{
<...
- r->doubt
+ false
...>
}
