// Commands in a log of an earlier round are taken for those of the next leader, who may lack them.
// killers: test_writes
@@
@@
writes_find_in_log(...)
{
<...
- paxos_ballot_compare(core.acc_round, r->status.promise) != 0
+ !r->paxos
...>
}
