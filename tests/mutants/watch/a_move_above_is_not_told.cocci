// What is watched goes away with a directory above it, and the watch hears nothing.
// killers: test_watches
@@
@@
is_move(...)
{
<...
- event->directory && (event->kind == CHANGE_MOVED_FROM || event->kind == CHANGE_MOVED_TO)
+ false
...>
}
