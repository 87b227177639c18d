// A Promise does not say which nodes have begun a new life.
// killers: test_paxos_join, test_paxos_lives, scenarios
@@
@@
send_promise(...)
{
<...
- memcpy(m->lives, p->membership.lives, sizeof m->lives);
+ ;
...>
}
