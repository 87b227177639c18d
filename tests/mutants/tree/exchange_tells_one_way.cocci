// An exchange tells one of its two moves.
// killers: test_tree_changes
@@
@@
exchange_names(...)
{
<...
- tell_to(c, &r->target, &back);
...>
}
