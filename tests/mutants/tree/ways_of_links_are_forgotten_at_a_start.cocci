// A node that starts does not look up which inodes have rows of ways.
// killers: test_upgrade, test_tree_ways
@@
expression E;
@@
ways_load(...)
{
<...
- tree->ways_last = E;
+ tree->ways_last = 0;
...>
}
