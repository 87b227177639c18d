// Requests are refused in the moment in which the quorum is lost.
// killers: test_reads, test_writes
@@
@@
quorum_begin(...)
{
<...
- QUORUM_PAUSE_BEATS
+ 0
...>
}
