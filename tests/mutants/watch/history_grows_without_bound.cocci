// Long paths make the history as long as they like.
// killers: test_tree_events
@@
@@
forget_first(...)
{
<...
- e->offset - offset > EVENTS_BYTES_MAX
+ false
...>
}
