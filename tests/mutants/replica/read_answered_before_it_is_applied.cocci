// A read is answered when it is confirmed, though the tree has not reached its index.
// killers: test_reads
@@
@@
reads_first_ready(...)
{
<...
- read && read->confirmed && read->index <= tree_applied(r->tree)
+ read && read->confirmed
...>
}
