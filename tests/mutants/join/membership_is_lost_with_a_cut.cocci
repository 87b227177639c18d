// The membership is forgotten when a snapshot was installed before a crash.
// killers: test_log_membership
@@
expression E;
@@
log_cut_to(...)
{
<...
- E.membership
+ (struct paxos_membership){0}
...>
}
