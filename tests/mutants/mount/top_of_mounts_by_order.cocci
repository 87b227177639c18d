// The last line of the table of mounts is taken for the uppermost.
// killers: test_mount
@@
@@
fs_mounts_at(...)
{
<...
- if (carries_another(&stack, stack.mounts[i].id)) continue;
...>
}
