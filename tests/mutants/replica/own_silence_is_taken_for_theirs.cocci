// After a standstill of its loop a node judges the others before it has read what they sent.
// killers: test_replica
@@
@@
beat_must_wait(...)
{
<...
- return r->timers.beat_put_off;
+ return false;
...>
}
