// A holder that writes wait for gets the next lease as well.
// killers: test_paxos_lease
@@
@@
paxos_lease_grant(...)
{
<...
- is_late(p, peer)
+ 0
...>
}
