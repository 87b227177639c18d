// At its deadline a command that was proposed is answered with "nothing has happened".
// killers: test_writes
@@
@@
writes_expire(...)
{
<...
- w->proposed ? REPLICA_TIMEOUT : REPLICA_NO_QUORUM
+ REPLICA_NO_QUORUM
...>
}
