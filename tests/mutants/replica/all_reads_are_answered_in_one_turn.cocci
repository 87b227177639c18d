// All reads that are ready are answered in one turn.
// killers: test_reads
@@
expression enough;
@@
reads_answer(...)
{
<...
- read && uv_hrtime() < enough
+ read
...>
}
