// The connection of a request that is being carried out is ended for a new one.
// killers: test_http_crowd
@@
@@
connection_gives_way(...)
{
<...
- is_in_use(http, c)
+ false
...>
}
