// The answer to UNLINK and RMDIR says that there was nothing.
// killers: test_tree_random
@@
@@
remove_existing(...)
{
<...
- out->existed = true;
...>
}
