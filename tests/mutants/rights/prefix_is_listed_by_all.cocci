// The directory of a prefix is listed by callers who may not read it.
// killers: test_tree_rights
@@
@@
keys_begin(...)
{
<...
- status = rights_list(now, &k->rights, k->prefix);
...>
}
