// A damaged incarnation is believed; the next one would be no number of a row.
// killers: test_log
@@
expression E;
@@
log_read_state(...)
{
<...
- E > INT64_MAX - LOG_INCARNATION_STEP
+ 0
...>
}
