// A PUT takes effect although its lease is over.
// killers: test_tree_mortal, test_tree_random
@@
@@
check_lease(...)
{
<...
  int status = lease_find(c, op->lease, &lease);
+ if (status == -EKEYEXPIRED)
+     return 0;
...>
}
