// Reads are answered although somebody has another tree.
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
