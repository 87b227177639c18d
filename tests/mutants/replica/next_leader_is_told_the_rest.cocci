// Another leader is told only what the one before was not told.
// killers: test_writes
@@
expression w;
@@
writes_first_untold(...)
{
<...
- paxos_ballot_compare(w->told, r->writes.proposed_to) == 0
+ true
...>
}
