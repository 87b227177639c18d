// A repeated command is carried out once more.
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
session_enter(...)
{
<...
- stored.len > 0
+ stored.len > 0 && c->mine
...>
}
