// The entries below a snapshot are void on disk, but handed to the core one index off.
// killers: test_log, test_log_disk
@@
@@
log_cut_below(...)
{
<...
- stored->entry_count -= void_ones;
+ stored->entry_count -= void_ones > 0;
...>
}
