// A read is answered before the leader has confirmed it.
// killers: test_reads
@@
@@
reads_answer(...)
{
<...
- (read = TAILQ_FIRST(&r->reads.by_age)) && read->confirmed && read->index <= applied
+ (read = TAILQ_FIRST(&r->reads.by_age)) && read->index <= applied
...>
}
