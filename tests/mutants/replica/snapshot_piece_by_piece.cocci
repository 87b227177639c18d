// One piece of a snapshot is on its way at a time.
// killers: test_fetching
@@
@@
serving_window_is_full(...)
{
<...
- s->read >= s->received + SNAPSHOT_WINDOW
+ s->read >= s->received + 1
...>
}
