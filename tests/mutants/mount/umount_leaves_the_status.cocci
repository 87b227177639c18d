// After an umount the status still says that the mount is there.
// killers: test_mount
@@
@@
fs_mounting_lost(...)
{
<...
- replica_mount_is(...);
...>
}
