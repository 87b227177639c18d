// A new incarnation leaves the rows of the old one on disk: after a restart they are its results.
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
session_begin(...)
{
<...
- tree_run(c->tree, query)
+ 0
...>
}
