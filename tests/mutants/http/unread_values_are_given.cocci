// A value is read without the right to.
// killers: test_http_users
@@
@@
http_find_for(...)
{
<...
- tree_may(tree, caller, key, want)
+ 0
...>
}
