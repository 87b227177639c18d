// After each piece of a suffix that was lost, the next is waited for twice as long.
// killers: test_paxos_repair
@@
@@
paxos_on_suffix(...)
{
<...
- pull->patience = PAXOS_RESEND_TICKS + 2 * taken_ticks;
+ ;
...>
}
