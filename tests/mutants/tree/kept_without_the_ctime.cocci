// An inode that is gone and kept has its earlier ctime.
// killers: test_tree_kept
@@
@@
kept_add(...)
{
<...
- gone.attr.ctime = c->time;
...>
}
