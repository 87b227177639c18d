// A founder takes a folder for one of its own that was emptied since.
// killers: test_paxos_join, test_paxos_lives
@@
@@
paxos_on_join_reply(...)
{
<...
- m->standing == PAXOS_MEMBER && paxos_told_folder(p, m, p->me) == p->folder
+ m->standing == PAXOS_MEMBER && paxos_told_folder(p, m, p->me) != 0
...>
}
