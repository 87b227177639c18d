// The timers do not hear of a change of the file.
// killers: test_tree_mortal
@@
@@
inode_write(...)
{
<...
- inode_is_mortal(inode)
+ false
...>
}
