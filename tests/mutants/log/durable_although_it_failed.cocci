// A batch that could not be written is reported as durable beside its error (trap 13).
// killers: test_log, test_log_disk
@@
statement S;
@@
log_report(...)
{
<...
- if (status == 0)
+ if (status <= 0)
  S
...>
}
