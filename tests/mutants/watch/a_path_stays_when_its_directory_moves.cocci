// A directory is moved, and the paths below it stay as they were.
// killers: test_tree_events
@@
@@
follow_name(...)
{
<...
- paths_clear(e->paths);
+ ;
...>
}
