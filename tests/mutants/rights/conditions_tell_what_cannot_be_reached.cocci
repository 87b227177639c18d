// A condition tells whether a key exists that its caller cannot reach.
// killers: test_tree_rights
@@
@@
op_if(...)
{
<...
- int status = key_find(c->tree, &c->as, op->name, &attr);
+ int status = tree_resolve(c->tree, op->name, &attr);
...>
}
