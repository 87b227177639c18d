// What is decided goes to nobody at once, though somebody waits for it.
// killers: test_paxos_tell
@@
@@
tell_decided(...)
{
<...
- bool waits = peer->told < peer->waits_until || p->now < peer->lease_until;
+ bool waits = false;
...>
}
