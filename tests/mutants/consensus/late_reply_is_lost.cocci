// A reply counts only in the round that asked for it: if the round trip is longer than a round, no
// node is ever elected.
// killers: test_paxos_election
@@
@@
paxos_on_heartbeat_reply(...)
{
<...
- round - m->round > PAXOS_LATE_ROUNDS
+ round != m->round
...>
}
