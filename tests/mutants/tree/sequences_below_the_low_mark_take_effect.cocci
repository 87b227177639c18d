// A command below the low mark is carried out: its result was dropped, so it is not recognised.
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
session_enter(...)
{
<...
- status < 0 || stamp->sequence < session->lowest
+ status < 0
...>
}
