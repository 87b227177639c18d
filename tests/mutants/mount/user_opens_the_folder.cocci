// A user mounts where the mount is to be, and opens the folder to writers meanwhile.
// killers: test_mount
@@
@@
by_libfuse(...)
{
<...
- status = is_ours ? fs_moved_mount(session, ground->path, &ground->bare, fault) : -ENOSYS;
+ status = -ENOSYS;
...>
}
