// A list that failed leaves its numbers of files and leases.
// killers: test_tree_mortal, test_tree_random
@@
@@
take_effect(...)
{
<...
- tree->mortals = mortals;
...>
}
