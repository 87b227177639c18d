// A change by somebody outside of the group leaves setgid where the group may not execute.
// killers: test_tree_contents
@@
expression E;
@@
inode_kill_priv(...)
{
<...
- E || op->outsider
+ E
...>
}
