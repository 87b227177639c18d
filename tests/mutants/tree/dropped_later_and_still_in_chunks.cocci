// A large file that becomes small is still said to be in chunks.
// killers: test_tree_contents
@@
@@
data_drop_later(...)
{
<...
- inode->data = 0;
...>
}
