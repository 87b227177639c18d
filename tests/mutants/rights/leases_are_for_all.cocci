// A lease is used by everybody who knows its number.
// killers: test_tree_rights, test_tree_random
@@
@@
lease_find(...)
{
<...
- return status == 0 && c->as.caller && !tree_lease_may(c->as.caller, lease) ? -EPERM : status;
+ return status;
...>
}
