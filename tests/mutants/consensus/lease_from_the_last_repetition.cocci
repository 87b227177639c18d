// A question that is repeated counts from the repetition; the answer may be to the first.
// killers: test_paxos_lease, scenarios, sim
@@
@@
paxos_lease_ask(...)
{
<...
- l->asked_read != read
+ 1
...>
}
