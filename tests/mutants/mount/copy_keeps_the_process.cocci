// A process in the background outlives its umount if another namespace has a copy of the mount.
// killers: test_mount
@@
@@
took(...)
{
<...
- watch_table(fs, loop);
...>
}
