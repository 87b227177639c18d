// A snapshot without its last piece is installed.
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
writer_prepare(...)
{
<...
- w->status == 0 && (!w->ended || (w->grown && !w->last))
+ 0
...>
}
