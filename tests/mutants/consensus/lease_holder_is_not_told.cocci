// A holder of a lease learns what is decided with the next entries.
// killers: test_paxos_tell
@@
@@
tell_decided(...)
{
<...
- bool waits = peer->told < peer->waits_until || p->now < peer->lease_until;
+ bool waits = peer->told < peer->waits_until;
...>
}
