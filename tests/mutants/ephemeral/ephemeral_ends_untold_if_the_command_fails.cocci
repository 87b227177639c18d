// What went with a session is not in the history if the command behind it fails.
// killers: test_tree_events
@@
@@
events_undo(...)
{
<...
- e->entry_len = mark.len;
- e->entry_count = mark.count;
+ e->entry_len = 0;
+ e->entry_count = 0;
...>
}
