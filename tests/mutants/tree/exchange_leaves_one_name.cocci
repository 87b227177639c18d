// An exchange tells that one of its names was left.
// killers: test_tree_changes
@@
@@
exchange_names(...)
{
<...
- tell_from(c, &r->target, &back);
...>
}
