// A snapshot whose entries were cut short is installed.
// killers: test_tree_snapshot
@@
@@
writer_prepare(...)
{
<...
- !w->ended || (w->grown && !w->last)
+ !w->ended
...>
}
