// A node that serves a snapshot and falls silent is asked without end.
// killers: test_fetching
@@
@@
fetching_repeat(...)
{
<...
- f->repeats == SNAPSHOT_REPEATS_MAX
+ 0
...>
}
