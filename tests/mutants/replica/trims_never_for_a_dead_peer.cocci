// A peer that is dead keeps the log from being trimmed.
// killers: test_trim
@@
@@
lowest_needed_by_peers(...)
{
<...
- r->status.peers[i].alive && r->status.peers[i].accepted < lowest
+ r->status.peers[i].accepted < lowest
...>
}
