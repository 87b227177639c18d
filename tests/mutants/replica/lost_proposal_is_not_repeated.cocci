// A proposal that got lost is not proposed again.
// killers: test_writes
@@
@@
writes_expire(...)
{
<...
- w->proposed && w->repeat_ms <= now_ms
+ 0
...>
}
