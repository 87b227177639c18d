// A list makes any number of directories.
// killers: test_tree_bounds
@@
@@
make_parents(...)
{
<...
- c->tree->names += COMMAND_DIRECTORY_NAMES;
...>
}
