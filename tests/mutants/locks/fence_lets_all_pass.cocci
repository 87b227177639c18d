// A command passes its fence in any session.
// killers: test_tree_locks
@@
@@
op_fence(...)
{
<...
- return c->tree->broken || stands ? c->tree->broken : -EOWNERDEAD;
+ return c->tree->broken;
...>
}
