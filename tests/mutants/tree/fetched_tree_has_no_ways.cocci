// After a snapshot nothing leads from an inode to its names.
// killers: test_tree_snapshot
@@
@@
writer_complete(...)
{
<...
- ways_fill(&w->sql)
+ 0
...>
}
