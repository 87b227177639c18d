// A decision is sent to every follower at once, even if none waits for it.
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
