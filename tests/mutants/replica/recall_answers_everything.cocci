// After a snapshot every command that waits is answered, including those that the snapshot does not
// contain.
// killers: test_writes
@@
@@
writes_recall(...)
{
<...
- tree_recall(r->tree, r->cluster.me, replica_incarnation(r), w->sequence, &result) == 0
+ tree_recall(r->tree, r->cluster.me, replica_incarnation(r), w->sequence, &result) <= 0
...>
}
