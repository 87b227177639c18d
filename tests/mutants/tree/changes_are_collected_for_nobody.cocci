// The tree goes on collecting changes after the last observer has ended.
// killers: test_tree_changes, test_observers
@@
@@
tree_observe(...)
{
<...
- tree->observed = observed;
+ tree->observed |= observed;
...>
}
