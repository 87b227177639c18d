// A node that cannot mount at its start never mounts.
// killers: test_mount
@@
@@
try_later(...)
{
<...
- uv_timer_start(&m->timer, on_time, m->wait_ms, 0);
...>
}
