// No entries follow the rows of a snapshot: over a slow line it is too old when it arrives.
// killers: test_fetching
@@
@@
serving_open(...)
{
<...
- s->tail = r->log && tree_cluster(r->tree)->level >= LEVEL_TAIL;
+ s->tail = false;
...>
}
