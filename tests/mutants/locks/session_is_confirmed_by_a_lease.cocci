// A node's own lease keeps up its session.
// killers: test_sessions
@@
@@
reads_answer(...)
{
<...
- sessions_confirmed(r, read->asked_us);
+ sessions_confirmed(r, replica_now_us());
...>
}
