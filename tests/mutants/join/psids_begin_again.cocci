// Prepares of two lives of a node cannot be told apart.
// killers: test_paxos_join
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
