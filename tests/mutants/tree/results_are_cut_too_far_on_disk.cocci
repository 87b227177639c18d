// Trimming the stored results deletes the page in which the low mark lies.
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
session_write(...)
{
<...
- bind_number(cut, 2, session->lowest / PAGE_RESULTS);
+ bind_number(cut, 2, session->lowest / PAGE_RESULTS + 1);
...>
}
