// A snapshot brings a token whose name or path no TOKEN_ADD would take.
// killers: test_tree_snapshot
@@
@@
tree_check(...)
{
<...
- status = tokens_check(sql);
...>
}
