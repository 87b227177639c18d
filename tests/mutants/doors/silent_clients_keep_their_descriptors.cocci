// Clients that say nothing take the descriptors that are kept for peers.
// killers: test_listener
@@
@@
listener_make_room(...)
{
<...
- listener_client_count(l) > descriptors_for_clients()
+ false
...>
}
