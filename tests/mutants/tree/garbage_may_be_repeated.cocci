// Whether an entry that is no command is a repeated one is left open.
// killers: test_tree_once
@@
@@
tree_apply(...)
{
<...
- *repeated = false;
...>
}
