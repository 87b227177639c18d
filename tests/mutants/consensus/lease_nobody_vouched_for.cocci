// A confirmation comes with a lease, though some of those who confirmed take no part in leases.
// killers: test_paxos_lease, scenarios, sim
@@
@@
finish_probe(...)
{
<...
- bool vouched = probe_vouched(p);
+ bool vouched = true;
...>
}
