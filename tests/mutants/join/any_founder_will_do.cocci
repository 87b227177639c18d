// A founder takes a folder for one of its own that was emptied since.
// killers: test_paxos_join, test_paxos_lives
@@
@@
paxos_on_join_reply(...)
{
<...
- m->standing == PAXOS_MEMBER && m->folders[p->rank] == p->folder
+ m->standing == PAXOS_MEMBER && m->folders[p->rank] != 0
...>
}
