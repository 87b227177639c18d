// A file is read by everybody who can reach it.
// killers: test_tree_rights
@@
@@
tree_may(...)
{
<...
- status = rights_check(&rights, &attr, want);
...>
}
