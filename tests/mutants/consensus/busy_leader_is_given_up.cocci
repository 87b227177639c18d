// A node that answers late, as it is busy, is missed as soon as one that always answers in time:
// leaders change without end.
// killers: test_paxos_election, scenarios
@@
@@
paxos_on_heartbeat_reply(...)
{
<...
- round + peer->heartbeat.slack
+ (m->round < round ? round + 1 : round)
...>
}
