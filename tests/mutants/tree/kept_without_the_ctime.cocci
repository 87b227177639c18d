// An inode that is gone and kept has the ctime of before.
// killers: test_tree_kept
@@
@@
kept_add(...)
{
<...
- gone.attr.ctime = c->time;
...>
}
