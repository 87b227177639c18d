// Nothing happens when the lease ends for which a decision waits.
// killers: test_paxos_lease
@@
@@
wake_at(...)
{
<...
- p->lease.wake_at = time;
...>
}
