// For conditions, a directory that is not there for keys exists.
// killers: test_tree_implied, test_tree_random
@@
@@
walk_to_change(...)
{
<...
- walk->found = false;
...>
}
