// A late reply counts for one round: if the next reply is a little later still, a healthy leader is
// given up.
// killers: test_paxos_election
@@
@@
paxos_on_heartbeat_reply(...)
{
<...
- round + peer->heartbeat.slack
+ round
...>
}
