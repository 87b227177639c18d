// A session that changed is not marked for the disk.
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
session_enter(...)
{
<...
- session->dirty = true;
...>
}
