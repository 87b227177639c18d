// The membership is not written to the disk.
// killers: test_log_membership
@@
@@
log_db_set_state(...)
{
<...
- db->state_changed = db->membership_changed = true;
+ ;
...>
}
