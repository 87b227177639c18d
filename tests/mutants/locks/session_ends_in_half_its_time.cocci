// A leader ends the session of a node that was silent for half of its time.
// killers: nodes_scenarios, test_sessions
@@
@@
session_us_of(...)
{
<...
- 1000
+ 500
...>
}
