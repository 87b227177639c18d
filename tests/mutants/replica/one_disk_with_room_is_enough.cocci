// What grows is taken as long as one node has room for it.
// killers: test_rooms
@@
@@
rooms_majority(...)
{
<...
- return alive[majority - 1];
+ return alive[0];
...>
}
