// A new promise that comes with entries does not reach its row.
// killers: test_log, test_log_disk
@@
expression E, F;
@@
log_db_set_state(...)
{
<...
- E || !log_ballots_equal(write->promise, state->promise) || F
+ E || F
...>
}
