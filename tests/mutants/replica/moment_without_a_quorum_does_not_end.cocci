// Requests wait for a quorum until their deadlines.
// killers: test_reads, test_writes
@@
@@
quorum_beat(...)
{
<...
- r->quorum.beats_left--;
+ ;
...>
}
