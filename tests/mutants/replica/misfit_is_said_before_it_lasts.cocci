// What a change of leaders shows for a moment is taken for lost data.
// killers: test_why
@@
@@
has_lasted(...)
{
<...
- now_ms - r->misfits.peers[i].since_ms >= MISFITS_WAIT_MS
+ true
...>
}
