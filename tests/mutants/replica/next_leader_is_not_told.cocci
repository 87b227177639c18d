// Commands that were proposed to one leader are not proposed to the next at once.
// killers: test_writes
@@
@@
next_leader(...)
{
<...
- paxos_ballot_compare(r->status.promise, r->writes.proposed_to) != 0
+ 0
...>
}
