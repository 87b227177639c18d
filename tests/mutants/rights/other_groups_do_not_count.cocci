// Of the groups of a caller, only its own counts.
// killers: test_tree_rights, test_tree_random
@@
@@
caller_in_group(...)
{
<...
- found = caller->groups[i] == gid;
+ found = false;
...>
}
