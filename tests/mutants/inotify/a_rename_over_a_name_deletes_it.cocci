// A rename over a name is told as a removal and a rename, which ends a watch.
// killers: test_echo
@@
@@
item_make(...)
{
<...
- second && is_replaced(first, second)
+ false
...>
}
