// A member does not call back the node whose folder is new, which so never hears who it is while
// the member's last attempt to reach it lies far ahead.
// killers: test_peer_greeting
@@
expression link;
@@
check_new(...)
{
<...
- dial_now(link);
...>
}
