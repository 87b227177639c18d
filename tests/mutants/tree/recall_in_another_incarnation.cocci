// Results are recalled whatever incarnation they belong to.
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
tree_recall(...)
{
<...
- session && session->incarnation == incarnation
+ session
...>
}
