// What the mode keeps from the owner, it gives to it as to others.
// killers: test_tree_rights
@@
@@
caller_may(...)
{
<...
- bits >>= 6;
+ bits |= bits >> 6;
...>
}
