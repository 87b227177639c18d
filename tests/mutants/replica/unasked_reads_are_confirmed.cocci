// A confirmation counts for reads that were not asked about yet.
// killers: test_reads
@@
@@
reads_confirm(...)
{
<...
- read->id == 0 || read->id > out->reads_ready
+ read->id > out->reads_ready
...>
}
