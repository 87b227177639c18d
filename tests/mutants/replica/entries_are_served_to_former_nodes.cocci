// Entries follow the rows although a member may not read them.
// killers: test_fetching
@@
@@
serving_open(...)
{
<...
- s->tail = r->log && tree_cluster(r->tree)->level >= LEVEL_TAIL;
+ s->tail = r->log;
...>
}
