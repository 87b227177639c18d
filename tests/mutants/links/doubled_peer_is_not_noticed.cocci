// A node does not notice that another one has two addresses of it.
// killers: test_peer_greeting
@@
@@
note_name(...)
{
<...
- link->called_as != greeting->to
+ false
...>
}
