// An umount before the table of mounts is watched goes unnoticed.
// killers: test_mount
@@
@@
fs_mounting_start(...)
{
<...
- m->table_fd >= 0
+ false
...>
}
