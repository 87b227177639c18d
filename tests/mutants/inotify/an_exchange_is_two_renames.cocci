// An exchange is told as renames.
// killers: test_echo
@@
@@
item_of(...)
{
<...
- second && is_exchange(first, second)
+ false
...>
}
