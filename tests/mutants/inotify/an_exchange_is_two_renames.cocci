// An exchange is told as renames.
// killers: test_echo
@@
@@
item_make(...)
{
<...
- second && is_exchange(first, second)
+ false
...>
}
