// A lease does not know who has made it.
// killers: test_tree_rights, test_tree_random
@@
@@
op_lease(...)
{
<...
- lease.uid = c->as.caller->uid;
...>
}
