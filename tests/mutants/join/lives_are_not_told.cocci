// A Promise does not say which nodes have begun a new life.
// killers: test_paxos_join, scenarios
@@
@@
send_promise(...)
{
<...
- memcpy(m->lives, p->membership.lives, sizeof m->lives);
+ ;
...>
}
