// A follower whose proposal is decided learns it with the next entries.
// killers: test_paxos_tell
@@
@@
receive_from_peer(...)
{
<...
- peer->waits_until = p->log.end;
...>
}
