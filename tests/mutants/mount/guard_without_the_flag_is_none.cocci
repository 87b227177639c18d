// A file system without the immutable flag has no guard at all.
// killers: test_mount
@@
@@
guard(...)
{
<...
- if (!set_mode(bare, bare->mode & ~WRITE_MODES))
-     return FS_GUARD_NONE;
+ if (bare)
+     return FS_GUARD_NONE;
...>
}
