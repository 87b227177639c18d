// The tree collects what entries change although nobody listens any more.
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
