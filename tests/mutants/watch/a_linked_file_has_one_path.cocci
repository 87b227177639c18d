// A put tells only its own key of a file with several names.
// killers: test_tree_events
@@
@@
events_add(...)
{
<...
- change->links == 1
+ true
...>
}
