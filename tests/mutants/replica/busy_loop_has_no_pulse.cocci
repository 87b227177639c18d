// A loop that is never in time puts its heartbeats off for ever.
// killers: test_replica
@@
@@
beat_must_wait(...)
{
<...
- held_up && !r->timers.beat_put_off
+ held_up
...>
}
