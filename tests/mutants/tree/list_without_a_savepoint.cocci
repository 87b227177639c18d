// The operations of a list take effect one by one: a failure leaves those before it.
// killers: test_tree_branch, test_tree_once
@@
@@
take_effect(...)
{
<...
- view->count > 1 ? run_list(c, view) : run_operations(c, *view)
+ run_operations(c, *view)
...>
}
