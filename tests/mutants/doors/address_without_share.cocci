// One address may have all connections.
// killers: test_http_bounds
@@
@@
http_address_has_share(...)
{
+ return true;
...
}
