// The leader's own acceptance is left out when it asks what is chosen: a trap of asking only when
// a peer answers.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
paxos_decide(...)
{
<...
- paxos_accepted_durable(p)
+ 0
...>
}
