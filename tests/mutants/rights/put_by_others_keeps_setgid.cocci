// A PUT by a caller outside of the group leaves the file its setgid bit.
// killers: test_tree_rights, test_tree_random
@@
@@
rights_kill_priv(...)
{
<...
- killing.outsider = !caller_in_group(caller, inode->attr.gid);
+ killing.outsider = 0;
...>
}
