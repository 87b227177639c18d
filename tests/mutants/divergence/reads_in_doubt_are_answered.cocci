// Reads are answered although somebody has another tree.
// killers: test_reads
@@
@@
replica_read(...)
{
<...
- r->doubt
+ false
...>
}
