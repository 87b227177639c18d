// Nothing happens when the lease ends for which a decision waits.
// killers: test_paxos_lease
@@
@@
paxos_wake_at(...)
{
<...
- p->wake_at = time;
...>
}
