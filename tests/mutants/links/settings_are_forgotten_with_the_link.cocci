// A node says nothing of the settings that other nodes have.
// killers: test_peer_greeting
@@
@@
link_greeted(...)
{
<...
- link->settings = greeting->settings;
+ ;
...>
}
