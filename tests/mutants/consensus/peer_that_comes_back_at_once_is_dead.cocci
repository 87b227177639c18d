// A peer whose link is back before the next heartbeat counts as absent until then, whatever it answers.
// killers: test_paxos_election
@@
@@
paxos_on_heartbeat_reply(...)
{
<...
- m->round > peer->heartbeat.asked_in || again
+ m->round > peer->heartbeat.asked_in
...>
}
