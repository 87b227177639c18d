// A file is removed although it was renewed since.
// killers: test_tree_mortal, test_tree_random
@@
@@
op_expire(...)
{
<...
- mortal.revision != op->revision
+ false
...>
}
