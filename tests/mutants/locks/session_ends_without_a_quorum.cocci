// A leader without a quorum ends sessions.
// killers: test_sessions
@@
@@
sessions_housekeeping(...)
{
<...
- !replica_has_quorum(r)
+ false
...>
}
