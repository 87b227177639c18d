// All of a log of another round is taken for valid, not only its decided part (off in sync).
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
valid_prefix(...)
{
<...
- uint64_t valid = peer->promise.decided;
+ uint64_t valid = peer->promise.log_end;
...>
}
