// What a checkpoint could not copy under a reader is not made durable: the log is kept, in memory, as
// long as somebody fetches a snapshot.
// killers: test_tree_snapshot
@@
@@
checkpoint_work(...)
{
<...
- cp->reached = cp->status == 0;
...>
}
