// A leader prepares above every ballot that it hears of, without waiting to see whether that
// candidate lives.
// killers: test_paxos, test_paxos_sync, test_paxos_stale, test_paxos_repair, test_paxos_election, scenarios, sim
@@
@@
judge_stranded(...)
{
<...
- if (e->stranded_ticks < PAXOS_STRANDED_TICKS)
-         return;
...>
}
