// The cache answers a read that asked for linearizability.
// killers: test_reads
@@
@@
cache_is_fresh(...)
{
<...
- consistency != REPLICA_DEFAULT && consistency != REPLICA_CACHED
+ 0
...>
}
