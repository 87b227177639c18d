// A list grows only if its last operation does.
// killers: test_rooms
@@
@@
command_add(...)
{
<...
- c->grows |= op_grows(op);
+ c->grows = op_grows(op);
...>
}
