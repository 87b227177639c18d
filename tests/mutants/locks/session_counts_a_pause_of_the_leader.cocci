// A leader that was stopped takes all others for dead.
// killers: test_sessions
@@
@@
sessions_housekeeping(...)
{
<...
- now_us - s->looked_us < STEP_US_MAX ? now_us - s->looked_us : STEP_US_MAX
+ now_us - s->looked_us
...>
}
