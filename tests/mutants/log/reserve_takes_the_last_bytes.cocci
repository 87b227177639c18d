// The reserve is made whole although hardly anything else is left.
// killers: test_room
@@
expression A, B;
@@
room_look(...)
{
<...
- room->free >= room->whole - bytes + room->whole / 2
+ room->free >= room->whole - bytes
...>
}
