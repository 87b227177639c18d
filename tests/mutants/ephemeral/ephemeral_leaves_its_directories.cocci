// Implied directories stay behind.
// killers: test_tree_ephemeral
@@
@@
ephemeral_remove(...)
{
<...
- return status < 0 ? status : implied_prune(c, &dir);
+ return status;
...>
}
