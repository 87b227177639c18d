// A folder is opened whose members this node is not one of.
// killers: test_log_membership
@@
@@
log_read_members(...)
{
<...
- here |= pid == db->node;
+ here = true;
...>
}
