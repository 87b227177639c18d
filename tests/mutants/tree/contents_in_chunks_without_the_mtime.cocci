// A write to a file in chunks leaves its mtime as it was.
// killers: test_tree_random
@@
@@
data_finish(...)
{
<...
- inode->attr.mtime = c->time;
...>
}
