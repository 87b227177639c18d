// After a snapshot no command is answered from it.
// killers: test_writes
@@
@@
writes_recall(...)
{
<...
- tree_recall(r->tree, r->cluster.me, replica_incarnation(r), w->sequence, &result) == 0
+ 0
...>
}
