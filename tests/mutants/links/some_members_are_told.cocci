// A node that does not know where all members are names the others to a new one.
// killers: test_peer_greeting
@@
@@
knows_members(...)
{
<...
- all = all && peer->links[i].name[0] && peer->links[i].addr[0];
+ ;
...>
}
