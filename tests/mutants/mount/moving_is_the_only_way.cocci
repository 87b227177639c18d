// A user who may not move the folder cannot mount.
// killers: test_mount
@@
@@
by_libfuse(...)
{
<...
- status != -ENOSYS
+ status < 0 || status == 0
...>
}
