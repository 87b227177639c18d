// What a quorum has accepted is decided, whether the holder of a lease has it or not.
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
