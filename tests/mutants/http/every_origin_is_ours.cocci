// Any Origin is taken.
// killers: test_http_names
@@
@@
http_page_may(...)
{
<...
- return http_origin_is_ours(config, origin, head->host);
+ return true;
...>
}
