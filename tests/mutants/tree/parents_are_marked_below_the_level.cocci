// A node marks the directories of a PUT although former versions do not.
// killers: test_tree_implied, test_tree_random
@@
expression E;
@@
implied_rdev(...)
{
<...
- E ? RDEV_IMPLIED : 0
+ RDEV_IMPLIED
...>
}
