// One node without room among several is enough to refuse what grows.
// killers: test_rooms
@@
@@
rooms_majority(...)
{
<...
- return alive[majority - 1];
+ return alive[count - 1];
...>
}
