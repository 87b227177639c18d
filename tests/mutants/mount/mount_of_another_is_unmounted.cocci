// The end unmounts what somebody else has mounted over this mount.
// killers: test_mount
@@
@@
fs_unmount(...)
{
<...
- status == 0 && at.top == mount->id
+ status == 0
...>
}
