// The log is kept for a node with a slow line, however little room there is.
// killers: test_fetching
@@
@@
serving_has_room(...)
{
<...
- !r->log || r->rooms.own.room != ROOM_PLENTY
+ !r->log
...>
}
