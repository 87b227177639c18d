// Each operation of a list is told the former value of the first one.
// killers: test_tree_once
@@
@@
collect_old(...)
{
<...
- out->old_at = old->len;
...>
}
