// The folder that takes the place of the mountpoint is writable once nothing is mounted there.
// killers: test_mount
@@
@@
fs_bare_replace(...)
{
<...
- set_mode(other, bare->mode);
...>
}
