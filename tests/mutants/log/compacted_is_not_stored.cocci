// Rows are deleted below a new beginning of the log that is not stored.
// killers: test_log, test_log_disk
@@
expression E;
@@
log_db_set_state(...)
{
<...
- E || write->compacted != state->compacted
+ E
...>
}
