// The heartbeats without a leader are counted on after there was one.
// killers: test_why
@@
@@
quorum_follow(...)
{
<...
- r->quorum.leaderless_beats = 0;
...>
}
