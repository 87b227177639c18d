// A folder other than the last one counts as if it were known.
// killers: test_paxos_join, test_paxos_lives
@@
@@
remember_folder(...)
{
<...
- peer->join.folder_round = p->join.round;
+ ;
...>
}
