// What a node says does not keep its session.
// killers: test_sessions
@@
@@
sessions_heard(...)
{
<...
- silence->us = 0;
...>
}
