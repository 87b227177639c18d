// Reads are answered although another node has a different tree.
// killers: test_reads
@@
@@
replica_read_by(...)
{
<...
- r->digests.doubt
+ false
...>
}
