// A node that is now configured without leases says that it has vouched for none.
// killers: test_paxos_lease, sim
@@
@@
paxos_lease_start(...)
{
<...
- time > 0 || before
+ time > 0
...>
}
