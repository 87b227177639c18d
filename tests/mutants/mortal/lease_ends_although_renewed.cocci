// A lease ends although it was renewed since.
// killers: test_tree_mortal, test_tree_random
@@
@@
op_lease_end(...)
{
<...
- lease.revision != op->revision
+ false
...>
}
