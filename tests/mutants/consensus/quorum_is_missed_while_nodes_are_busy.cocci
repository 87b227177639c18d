// Nodes that answer late are not there in between: requests are refused for want of a quorum.
// killers: test_paxos_election
@@
@@
paxos_alive(...)
{
<...
- PAXOS_ALIVE_TICKS + peer->heartbeat.slack
+ PAXOS_ALIVE_TICKS
...>
}
