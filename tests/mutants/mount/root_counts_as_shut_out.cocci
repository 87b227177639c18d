// A folder without write permission is taken for one that root cannot write to.
// killers: test_mount
@@
@@
guard(...)
{
<...
- return geteuid() == 0 ? FS_GUARD_FROM_USERS : FS_GUARD_FROM_ALL;
+ return FS_GUARD_FROM_ALL;
...>
}
