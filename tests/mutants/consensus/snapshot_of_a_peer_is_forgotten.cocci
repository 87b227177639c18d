// A peer that a snapshot carried beyond its round is synchronised from before what it has decided.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
valid_prefix(...)
{
<...
- valid > peer->promise.decided ? valid : peer->promise.decided
+ valid
...>
}
