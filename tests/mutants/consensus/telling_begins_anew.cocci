// The while after which a follower is told begins anew with each decision.
// killers: test_paxos_tell
@@
@@
tell_decided(...)
{
<...
- if (peer->session.tell_at == 0)
-         peer->session.tell_at = p->now + p->tell_us;
+ peer->session.tell_at = p->now + p->tell_us;
...>
}
