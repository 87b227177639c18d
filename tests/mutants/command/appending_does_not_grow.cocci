// Bytes that are appended need no room.
// killers: test_rooms
@@
@@
op_grows(...)
{
<...
- return true;
+ return op->type != OP_APPEND;
...>
}
