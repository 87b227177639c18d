// An ordinary key in the way looks like a bound one.
// killers: test_tree_ephemeral
@@
@@
ephemeral_check(...)
{
<...
- return status > 0 ? -EBUSY : -EEXIST;
+ return -EBUSY;
...>
}
