// A follower that reads learns with the next entries what is decided.
// killers: test_paxos_tell
@@
@@
paxos_on_read_request(...)
{
<...
- peer->waits_until = p->log.end;
...>
}
