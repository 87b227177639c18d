// A command of another node answers the one of this node with its sequence.
// killers: test_replica
@@
@@
apply_next(...)
{
<...
- readable && view.stamp.node == r->cluster.me && view.stamp.incarnation == replica_incarnation(r)
+ readable
...>
}
