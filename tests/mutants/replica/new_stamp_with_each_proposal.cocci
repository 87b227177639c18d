// A command that is proposed again gets a new stamp: it takes effect twice.
// killers: test_writes
@@
@@
proposal_add(struct replica *r, struct proposal *proposal, struct pending_write *w, uint64_t now)
{
<...
+ if (w->proposed) { struct command again = {.bytes = {.data = w->entry->bytes, .len = w->entry->len}}; command_stamp(&again, &(struct stamp){.node = r->cluster.me, .incarnation = replica_incarnation(r), .sequence = r->writes.next_sequence++}); }
  w->proposed = true;
...>
}
