// A node ends a file that another one has.
// killers: test_tree_ephemeral
@@
@@
op_ephemeral_end(...)
{
<...
- status <= 0 || found.node != c->node
+ status <= 0
...>
}
