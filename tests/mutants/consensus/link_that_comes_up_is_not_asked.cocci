// A peer whose link has just come up counts as absent until the next heartbeat.
// killers: test_paxos_election
@@
@@
link_up(...)
{
<...
- paxos_ask_heartbeat(p, peer->pid);
...>
}
