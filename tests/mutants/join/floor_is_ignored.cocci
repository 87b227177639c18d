// A node is let in without promising what the others have promised.
// killers: test_paxos_join, test_paxos_lives
@@
@@
let_in(...)
{
<...
- p->promise = peer->join.promise;
+ ;
...>
}
