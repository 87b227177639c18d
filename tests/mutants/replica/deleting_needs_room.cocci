// What does not grow is refused as well when disks are nearly full.
// killers: test_rooms
@@
@@
rooms_refuse(...)
{
<...
- if (!command->grows) return false;
...>
}
