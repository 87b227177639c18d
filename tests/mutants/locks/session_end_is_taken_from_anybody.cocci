// A leader takes the end of a session from another node.
// killers: test_sessions
@@
@@
sessions_forwardable(...)
{
<...
- return false;
+ return true;
...>
}
