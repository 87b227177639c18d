// A command of this node's earlier life answers the one with its sequence in this life.
// killers: test_replica
@@
@@
apply_next(...)
{
<...
- readable && view.stamp.node == r->cluster.me && view.stamp.incarnation == replica_incarnation(r)
+ readable && view.stamp.node == r->cluster.me
...>
}
