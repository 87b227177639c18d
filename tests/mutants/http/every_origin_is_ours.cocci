// Any Origin is taken.
// killers: test_http_names
@@
@@
may_ask(...)
{
<...
- origin && !http_origin_is_ours(config, origin, host)
+ false
...>
}
