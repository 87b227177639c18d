// A watch of a key hears of keys that begin like it.
// killers: test_watches
@@
@@
is_in_scope(...)
{
<...
- watch->scope == WATCH_PREFIX || path.len == len
+ true
...>
}
