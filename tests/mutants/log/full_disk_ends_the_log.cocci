// The log fails on a full disk, and does not wait for room.
// killers: test_log
@@
@@
log_wait_for_room(...)
{
<...
- return go_on;
+ return false;
...>
}
