// A PUT by a caller leaves the file its setuid bit, unless its door has thought of it.
// killers: test_tree_rights, test_tree_random
@@
@@
rights_kill_priv(...)
{
<...
- inode_kill_priv(inode, &killing);
...>
}
