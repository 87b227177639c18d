// What is decided goes to everybody at once, though nobody waits for it.
// killers: test_paxos_tell
@@
@@
tell_decided(...)
{
<...
- waits || p->now >= peer->session.tell_at
+ true
...>
}
