// The events of a command that failed stay.
// killers: test_tree_events
@@
@@
events_undo(...)
{
<...
- entry_begin(&tree->events);
+ ;
...>
}
