// A read that comes after the question takes the number of it.
// killers: test_reads
@@
@@
reads_enqueue(...)
{
<...
+ read->id = r->reads.last_id;
  read->done = done;
...>
}
