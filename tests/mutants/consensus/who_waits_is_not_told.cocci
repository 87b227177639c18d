// What is decided goes to nobody at once, though somebody waits for it.
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
