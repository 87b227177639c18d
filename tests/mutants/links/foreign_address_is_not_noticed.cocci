// A node that answers at an address of which none says that it is there is taken for a peer that is down.
// killers: test_peer_greeting
@@
@@
wire_ended(...)
{
<...
- link->answers = http_status != 0;
+ link->answers = false;
...>
}
