// A node that was let in elects from below what it promised.
// killers: test_paxos_join, scenarios, sim
@@
@@
let_in(...)
{
<...
- p->election.leader = p->promise;
+ ;
...>
}
