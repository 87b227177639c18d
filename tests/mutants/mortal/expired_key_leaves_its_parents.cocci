// Directories that PUT made for an expired key stay.
// killers: test_tree_mortal, test_tree_random
@@
@@
mortal_remove(...)
{
<...
- status = implied_prune(c, &dir);
+ ;
...>
}
