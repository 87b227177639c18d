// Without a quorum a read is answered as if it were current.
// killers: test_reads
@@
@@
reads_without_quorum(...)
{
<...
- reads_finish(r, read, read->stale_will_do ? REPLICA_DONE : REPLICA_NO_QUORUM, true);
+ reads_finish(r, read, REPLICA_DONE, true);
...>
}
