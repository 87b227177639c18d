// A file that gets in just before the guard is hidden by the mount.
// killers: test_mount
@@
@@
fs_bare_guard(...)
{
<...
- int status = fs_bare_check_empty(bare, path, fault);
+ int status = 0;
...>
}
