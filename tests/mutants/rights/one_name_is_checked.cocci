// Of the names of a file that gets a ttl, only the first is looked at.
// killers: test_tree_rights, test_tree_tokens
@@
@@
keep_way(...)
{
<...
- return true;
+ return false;
...>
}
