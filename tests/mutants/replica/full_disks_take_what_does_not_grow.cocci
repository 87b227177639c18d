// The last of the reserves goes to writes, and reads end with it.
// killers: test_rooms
@@
expression E;
@@
rooms_refuse(...)
{
<...
- if (E == ROOM_FULL) return true;
...>
}
