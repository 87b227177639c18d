// A name is made in a directory that may only be searched.
// killers: test_tree_rights, test_tree_random
@@
@@
may_put(...)
{
<...
- status = rights_check(&c->as, &dir.attr, CALLER_WRITE | CALLER_SEARCH);
+ status = rights_check(&c->as, &dir.attr, CALLER_SEARCH);
...>
}
