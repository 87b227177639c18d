// A node that starts does not look up which inodes have rows of ways.
// killers: test_upgrade, test_tree_ways
@@
@@
ways_load(...)
{
<...
- tree->ways_last = column_number(query, 0);
+ tree->ways_last = 0;
...>
}
