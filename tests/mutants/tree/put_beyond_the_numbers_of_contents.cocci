// PUT takes a number for contents where there are none left.
// killers: test_tree_contents
@@
@@
op_put(...)
{
<...
- status = data_check_size(c->tree, op->data.len);
...>
}
