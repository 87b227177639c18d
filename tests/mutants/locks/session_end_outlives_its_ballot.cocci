// The end of a session is proposed to a later leader.
// killers: test_sessions
@@
@@
writes_propose(...)
{
<...
- writes_drop_leading(r);
...>
}
