// A read is answered when it is confirmed, though the tree has not reached its index.
// killers: test_reads
@@
@@
reads_answer(...)
{
<...
- (read = TAILQ_FIRST(&r->reads.by_age)) && read->confirmed && read->index <= applied
+ (read = TAILQ_FIRST(&r->reads.by_age)) && read->confirmed
...>
}
