// A command that was handed to the core does not know it.
// killers: test_writes
@@
@@
proposal_add(struct replica *r, struct proposal *proposal, struct pending_write *w, uint64_t now)
{
<...
- w->proposed = true;
...>
}
