// The index after the entries of a snapshot is believed, whatever was applied.
// killers: test_tree_snapshot
@@
@@
add_last(...)
{
<...
- if (index != (w->grown ? tree_applied(w->grown) : w->index))
-     return -EBADMSG;
...>
}
