// A proposer with a slow clock takes the state's time back.
// killers: test_tree_once, test_tree_snapshot, test_tree_random
@@
@@
time_of(...)
{
<...
- proposed > last || comes_back ? proposed : last + 1
+ proposed
...>
}
