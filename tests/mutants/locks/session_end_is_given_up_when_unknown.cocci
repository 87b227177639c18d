// A leader forgets an end whose outcome is unknown.
// killers: test_sessions
@@
@@
on_ended(...)
{
<...
- silence->ending = false;
...>
}
