// A renamed hard link takes the name in the inode's row for its own.
// killers: test_tree_ways
@@
@@
way_move(...)
{
<...
- single ? 0 : way_delete(...)
+ 0
...>
}
