// A new accepted round that comes with entries does not reach its row.
// killers: test_log, test_log_disk
@@
expression E;
@@
log_db_set_state(...)
{
<...
- E || !log_ballots_equal(write->acc_round, state->acc_round)
+ E
...>
}
