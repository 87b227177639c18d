// A reply counts in the round that asked for it only: where the way there and back is longer, nobody is ever
// elected.
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
