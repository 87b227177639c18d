// A process that mount(8) waits for goes on without its mount.
// killers: test_mount
@@
@@
fs_mounting_start(...)
{
<...
- if (!m->mounted && fs->config->in_background)
-     return fault_set(...);
...>
}
