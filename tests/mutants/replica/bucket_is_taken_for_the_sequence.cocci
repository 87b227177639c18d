// A command is found by its bucket alone.
// killers: test_writes
@@
@@
writes_find(struct replica *r, uint64_t sequence)
{
<...
- w->sequence == sequence
+ w->sequence % WRITE_BUCKETS == sequence % WRITE_BUCKETS
...>
}
