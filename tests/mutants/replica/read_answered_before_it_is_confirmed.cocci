// A read is answered before the leader has confirmed it.
// killers: test_reads
@@
@@
reads_first_ready(...)
{
<...
- read && read->confirmed && read->index <= tree_applied(r->tree)
+ read && read->index <= tree_applied(r->tree)
...>
}
