// Reads of a node are answered while its session is about to end.
// killers: test_sessions
@@
@@
sessions_answer(...)
{
<...
- return !silence || !silence->ending;
+ return true;
...>
}
