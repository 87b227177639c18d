// A list looks through any number of directories.
// killers: test_tree_bounds
@@
@@
collect(...)
{
<...
- tree->names += all->count * COMMAND_DIRECTORY_NAMES;
...>
}
