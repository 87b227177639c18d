// A holder of a lease learns what is decided with the next entries.
// killers: test_paxos_tell
@@
@@
tell_decided(...)
{
<...
- bool waits = peer->session.told < peer->waits_until || p->now < peer->lease.until;
+ bool waits = peer->session.told < peer->waits_until;
...>
}
