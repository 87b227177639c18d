// A command of an earlier life of its node is carried out after the new life has begun.
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
session_enter(...)
{
<...
- if (stamp->incarnation < session->incarnation)
-     return 0;
+ if (stamp->incarnation < session->incarnation)
+     session->incarnation = stamp->incarnation;
...>
}
