// The moment at which a follower has to be told passes unnoticed.
// killers: test_paxos_tell
@@
@@
tell_decided(...)
{
<...
- paxos_wake_at(p, peer->session.tell_at);
+ ;
...>
}
