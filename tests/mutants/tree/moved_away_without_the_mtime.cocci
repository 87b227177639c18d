// A rename leaves the mtime of the directory that it takes the name from.
// killers: test_tree_random
@@
@@
op_rename(...)
{
<...
- r.from.attr.mtime = c->time;
...>
}
