// A node that is in line with no leader lets each request wait, for ever.
// killers: test_why
@@
@@
quorum_beat(...)
{
<...
- r->quorum.leaderless_beats++;
...>
}
