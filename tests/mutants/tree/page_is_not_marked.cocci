// A result is kept in memory, and its page is not marked for the disk.
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
session_keep(...)
{
<...
- page->dirty = true;
...>
}
