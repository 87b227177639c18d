// Peers of node.json lend their names to members, though it is not known which is which.
// killers: test_levels
@@
@@
members_begin(...)
{
<...
- known ? other->addr : ""
+ other->addr
...>
}
