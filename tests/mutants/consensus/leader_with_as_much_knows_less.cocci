// A leader whose log reaches as far as what is decided is taken for one that has lost data.
// killers: test_paxos_misfit
@@
@@
below_mine(...)
{
<...
- p->decided > p->follower.prepare.log_end
+ p->decided >= p->follower.prepare.log_end
...>
}
