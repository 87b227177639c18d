// What a follower acknowledged is not forgotten with a new promise.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
// equivalent: every sync that completes sets accepted_due, nothing is sent before one does, and
// accepted_due stays until an Accepted is sent, whatever accepted_sent says, which assigns it anew.
@@
@@
paxos_on_prepare(...)
{
<...
- f->accepted_sent = 0;
...>
}
