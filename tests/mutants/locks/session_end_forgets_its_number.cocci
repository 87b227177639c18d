// A session ends by a decision about an older one.
// killers: test_tree_locks
@@
@@
op_end_session(...)
{
<...
- tree_lock_session(c->tree, node) != op->revision
+ tree_lock_session(c->tree, node) == 0
...>
}
