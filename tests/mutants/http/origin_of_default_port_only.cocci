// A page of a name in hosts at the node's own port is refused.
// killers: test_http_names
@@
@@
http_origin_is_ours(...)
{
<...
- port == default_port || port == own.port
+ port == default_port
...>
}
