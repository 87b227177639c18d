// One piece of a snapshot is on its way at a time.
// killers: test_fetching
@@
@@
serving_read_on(...)
{
<...
- s->read >= s->received + SNAPSHOT_WINDOW
+ s->read >= s->received + 1
...>
}
