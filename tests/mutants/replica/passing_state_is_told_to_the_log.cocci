// The log is told of each election.
// killers: test_why
@@
@@
why_housekeeping(...)
{
<...
- now_ms - r->why.since_ms >= WHY_WAITS_MS
+ true
...>
}
