// The age of the state counts from the answer, not from the question that it confirms.
// killers: test_reads
@@
@@
reads_answer(...)
{
<...
- r->reads.confirmed_ms = read->asked_ms;
+ r->reads.confirmed_ms = replica_now_ms();
...>
}
