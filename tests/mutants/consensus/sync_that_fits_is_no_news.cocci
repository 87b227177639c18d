// A leader whose sync fits again is still said to send what does not.
// killers: test_paxos_misfit
@@
@@
paxos_sync_fits(...)
{
<...
- paxos_peer(p, pid)->misfit.unfit_syncs = 0;
...>
}
