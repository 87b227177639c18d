// A command does not remember that it was handed to the core.
// killers: test_writes
@@
@@
proposal_add(struct replica *r, struct proposal *proposal, struct pending_write *w, uint64_t now)
{
<...
- w->proposed = true;
...>
}
