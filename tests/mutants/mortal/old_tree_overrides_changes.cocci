// What was read from the tree is older than what has changed since.
// killers: test_expiry
@@
@@
scan(...)
{
<...
- !deadlines_find(&e->deadlines, list[i].key)
+ true
...>
}
