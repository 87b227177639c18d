// The thread goes on with the next batch after one has failed: the log gets a gap (trap 13).
// killers: test_log, test_log_disk, power
@@
statement S;
@@
log_run(...)
{
<...
- while (status == 0 && log_take(log, &batch, &ticket))
+ while (log_take(log, &batch, &ticket))
  S
...>
}
