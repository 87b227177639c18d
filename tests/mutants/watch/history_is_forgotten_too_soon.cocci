// A block is forgotten while fewer changes than promised are behind it.
// killers: test_tree_events
@@
@@
forget_first(...)
{
<...
- e->number - kept >= EVENTS_MAX
+ e->number - kept >= EVENTS_MAX / 2
...>
}
