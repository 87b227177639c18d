// Requests wait for a quorum until their deadlines.
// killers: test_reads, test_writes
@@
expression E;
@@
quorum_beat(...)
{
<...
- E--;
+ ;
...>
}
