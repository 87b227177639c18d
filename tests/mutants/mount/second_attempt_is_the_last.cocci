// A node tries twice.
// killers: test_mount
@@
@@
tried(...)
{
<...
- if (!m->mounted)
-     try_later(fs);
...>
}
