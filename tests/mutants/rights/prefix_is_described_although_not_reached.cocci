// A list has the attributes of the key that is its prefix, which cannot be reached.
// killers: test_tree_rights
@@
@@
keys_give_prefix(...)
{
<...
- reached ? &attr : NULL
+ &attr
...>
}
