// The queue grows without a bound.
// killers: test_echo
@@
@@
fs_echo_queue_add(...)
{
<...
- queue->count < FS_ECHO_ITEMS_MAX
+ true
...>
}
