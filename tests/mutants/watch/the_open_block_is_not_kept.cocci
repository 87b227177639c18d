// The events since the last full block are lost with a restart.
// killers: test_tree_events
@@
@@
events_store(...)
{
<...
- tree->events.changed ? block_store(tree) : 0
+ 0
...>
}
