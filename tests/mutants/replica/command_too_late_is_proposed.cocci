// A command is proposed although no time is left for it.
// killers: test_writes
@@
@@
writes_refusal(...)
{
<...
- deadline_ms <= replica_now_ms()
+ 0
...>
}
