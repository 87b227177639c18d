// The events of a command that failed stay.
// killers: test_tree_events
@@
@@
events_undo(...)
{
<...
- e->entry_len = mark.len;
- e->entry_count = mark.count;
+ ;
...>
}
