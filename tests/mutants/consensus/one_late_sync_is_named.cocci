// One sync that does not fit, which may be late, is taken for a wrong log.
// killers: test_paxos_misfit
@@
@@
paxos_misfit_status(...)
{
<...
- misfit->unfit_syncs >= PAXOS_UNFIT_SYNCS
+ misfit->unfit_syncs > 0
...>
}
