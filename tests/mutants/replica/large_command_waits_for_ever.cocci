// A command that is larger than the window is never proposed.
// killers: test_writes
@@
expression E;
@@
window_has_room(...)
{
<...
- r->writes.proposed_bytes == 0 || E
+ E
...>
}
