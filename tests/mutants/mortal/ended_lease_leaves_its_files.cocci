// The files of a lease stay when it ends.
// killers: test_tree_mortal, test_tree_random
@@
@@
op_lease_end(...)
{
<...
- i < count
+ i < 0
...>
}
