// What a node acknowledged before it lost its folder lets new entries overtake the log that it is
// brought: it never gets all of it.
// killers: test_paxos_join, test_paxos_lives
@@
@@
paxos_on_promise(...)
{
<...
- peer->acc = 0;
+ ;
...>
}
