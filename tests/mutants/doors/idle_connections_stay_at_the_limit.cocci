// Idle connections go only if descriptors are short.
// killers: test_http_bounds
@@
@@
has_room(...)
{
...
- return connection_gives_way(http, address, false);
+ return http->connection_count + kept < http->connections_max &&
+     connection_gives_way(http, address, false);
}
