// That another node has applied what is not decided here is not said.
// killers: test_why
@@
@@
misfit_now(...)
{
<...
- kind == PAXOS_FITS && claims
+ false
...>
}
