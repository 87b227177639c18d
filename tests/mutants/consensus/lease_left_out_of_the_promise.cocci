// A promise does not tell how long a lease may still run.
// killers: test_paxos_lease, scenarios, sim
@@
@@
send_promise(...)
{
<...
- m->lease = paxos_lease_left(p);
...>
}
