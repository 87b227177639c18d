// A value that is gathered may change on the way.
// killers: test_http_moments
@@
@@
value_tree(...)
{
<...
- return same ? tree : NULL;
+ return tree;
...>
}
