// A change says that this node asked for it.
// killers: test_tree_changes, test_replica
@@
@@
changes_add(...)
{
<...
- told->node = c->node;
+ told->node = c->tree->identity.node + 1;
...>
}
