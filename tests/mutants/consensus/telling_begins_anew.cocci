// The while after which a follower is told begins anew with each decision.
// killers: test_paxos_tell
@@
@@
tell_decided(...)
{
<...
- if (peer->tell_at == 0)
-         peer->tell_at = p->now + p->tell_us;
+ peer->tell_at = p->now + p->tell_us;
...>
}
