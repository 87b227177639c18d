// At its deadline a read is answered from the tree as it is.
// killers: test_reads
@@
@@
reads_expire(...)
{
<...
- reads_finish(r, read, read->stale_will_do ? REPLICA_DONE : REPLICA_TIMEOUT, true);
+ reads_finish(r, read, REPLICA_DONE, true);
...>
}
