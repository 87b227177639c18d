// A list has the attributes of files that cannot be reached.
// killers: test_tree_rights
@@
@@
keys_give(...)
{
<...
- k->levels[k->depth].searched ? attr : NULL
+ attr
...>
}
