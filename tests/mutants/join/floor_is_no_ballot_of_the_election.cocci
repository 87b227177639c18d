// A node that was let in elects from below what it promised.
// killers: test_paxos_join, test_paxos_lives, scenarios, sim
@@
@@
let_in(...)
{
<...
- p->election.leader = p->promise;
+ ;
...>
}
