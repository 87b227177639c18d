// An address with its share takes the idle connections of others.
// killers: test_http_bounds
@@
@@
has_room(...)
{
<...
- connection_gives_way(http, address, true)
+ connection_gives_way(http, address, false)
...>
}
