// A change by a program here is forgotten while one before it waits.
// killers: test_echo
@@
@@
fs_echo_queue_trim(...)
{
<...
- item->state == FS_ECHO_KEPT
+ item->state != FS_ECHO_READY
...>
}
