// A change of a program at this mount is told once more.
// killers: test_echo
@@
@@
fs_echo_queue_told(...)
{
<...
- item->told = true;
- item_becomes(queue, item, FS_ECHO_KEPT);
+ ;
...>
}
