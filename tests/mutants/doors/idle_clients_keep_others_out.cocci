// New clients are refused although idle ones hold the descriptors.
// killers: test_http_crowd
@@
@@
has_room(...)
{
<...
- connection_gives_way(http, address, false)
+ false
...>
}
