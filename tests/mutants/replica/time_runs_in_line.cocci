// A command that waits behind others of its node is refused at its deadline although these go on.
// killers: test_writes
@@
@@
writes_expire(...)
{
<...
- !waits_in_line(r, w, now_ms)
+ true
...>
}
