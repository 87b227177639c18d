// A node whose tree was replaced serves entries from its log that may never have been decided.
// killers: test_fetching
@@
@@
serving_entries_read(...)
{
<...
- read->status < 0 || serving_outlived(s) || s->replica->end.stopping
+ read->status < 0 || s->replica->end.stopping
...>
}
