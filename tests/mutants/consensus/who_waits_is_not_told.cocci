// A decision is not sent at once to the followers that wait for it.
// killers: test_paxos_tell
@@
@@
tell_decided(...)
{
<...
- bool waits = peer->session.told < peer->waits_until || p->now < peer->lease.until;
+ bool waits = false;
...>
}
