// Results are recalled even if they belong to another incarnation.
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
