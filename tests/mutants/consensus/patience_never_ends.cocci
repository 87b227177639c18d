// A node that was late once is waited for ever after: a leader that dies later is missed late.
// killers: test_paxos_election, scenarios
@@
@@
note_lateness(...)
{
<...
- heartbeat->slack--;
...>
}
