// The answer to RENAME says that there was no target.
// killers: test_tree_random
@@
@@
op_rename(...)
{
<...
- out->existed = r.replaces;
...>
}
