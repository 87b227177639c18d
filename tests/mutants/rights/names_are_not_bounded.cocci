// A list may have any number of names.
// killers: test_tree_bounds
@@
@@
command_add(...)
{
<...
- names > COMMAND_NAMES_MAX - c->names
+ false
...>
}
