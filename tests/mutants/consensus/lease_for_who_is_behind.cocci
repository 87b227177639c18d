// A follower gets a lease before it has accepted what is decided.
// killers: test_paxos_lease
@@
@@
paxos_lease_grant(...)
{
<...
- peer->ballot.durable < p->decided
+ 0
...>
}
