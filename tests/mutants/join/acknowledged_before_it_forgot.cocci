// Entries that a node acknowledged before it lost its folder let new entries overtake the log that
// it is brought: it never gets all of it.
// killers: test_paxos_join, test_paxos_lives
@@
@@
take_promise(...)
{
<...
- peer->ballot.durable = 0;
+ ;
...>
}
