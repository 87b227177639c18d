// A late reply counts for one round: where the next one is a little later still, a leader that is well is given up.
// killers: test_paxos_election
@@
@@
paxos_on_heartbeat_reply(...)
{
<...
- m->round < round ? round + 1 : round
+ round
...>
}
