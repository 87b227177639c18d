// A remount keeps the options that it does not name.
// killers: test_mount
@@
@@
fs_remount(...)
{
<...
- attr.attr_clr = ATTRIBUTES_OF_OPTIONS;
...>
}
