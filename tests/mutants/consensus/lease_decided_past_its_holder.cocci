// Entries that a quorum has accepted are decided, even if the holder of a lease does not have them.
// killers: test_paxos_lease, scenarios, sim
@@
@@
holds_up(...)
{
<...
- peer->ballot.durable < chosen
+ 0
...>
}
