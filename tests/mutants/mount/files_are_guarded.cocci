// A folder that files have got into stays immutable, so that nobody can move them away.
// killers: test_mount
@@
@@
fs_bare_guard(...)
{
<...
- if (bare->immutable && !immutable)
-     set_immutable(bare->fd, false);
...>
}
