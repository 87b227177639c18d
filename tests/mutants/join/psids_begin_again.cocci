// Prepares of two lives of a node cannot be told apart.
// killers: test_paxos_join, test_paxos_lives
@@
expression E;
@@
paxos_psid_start(...)
{
<...
- p->psid = E;
+ p->psid = 0;
...>
}
