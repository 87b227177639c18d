// A Promise does not say which nodes have begun a new life.
// killers: test_paxos_join, test_paxos_lives, scenarios
@@
@@
send_promise(...)
{
<...
- paxos_tell_lives(p, m);
+ ;
...>
}
