// A node that is not there counts as one with room.
// killers: test_rooms
@@
expression A, B;
statement S;
@@
rooms_majority(...)
{
<...
- if (A && B == PAXOS_MEMBER) S
+ S
...>
}
