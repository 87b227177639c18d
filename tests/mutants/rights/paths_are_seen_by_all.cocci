// A path is shown to callers who may not list its directory.
// killers: test_tree_rights
@@
@@
rights_list(...)
{
<...
- return status < 0 ? status : rights_check(rights, &dir.attr, CALLER_READ);
+ return status;
...>
}
