// A new incarnation is answered with the results of the old one.
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
session_begin(...)
{
<...
- session_clear(session);
...>
}
