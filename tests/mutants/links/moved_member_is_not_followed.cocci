// A member that comes back under another address is dialled at its former one.
// killers: test_peer_greeting
@@
@@
check_member(...)
{
<...
- link_greeted(*link, greeting);
+ (*link)->levels = greeting->levels;
...>
}
