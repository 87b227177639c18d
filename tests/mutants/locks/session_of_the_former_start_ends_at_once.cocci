// A node that starts again ends the session of its former start before programs have lost its locks.
// killers: nodes_scenarios
@@
@@
sessions_rest(...)
{
<...
- replica_now_ms() < r->leases.started_ms + SESSION_REST_MS
+ false
...>
}
