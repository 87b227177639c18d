// A question for the next piece is repeated as often, however slow the answers are.
// killers: test_paxos_repair
@@
@@
repeat(...)
{
<...
- pull->patience *= 2;
+ ;
...>
}
