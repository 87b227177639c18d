// An exchange tells that a name was taken before it tells that it was left.
// killers: test_tree_changes
@@
@@
exchange_names(...)
{
<...
- tell_from(c, &r->target, &back);
+ tell_to(c, &r->source, r->op), tell_from(c, &r->target, &back);
...>
}
