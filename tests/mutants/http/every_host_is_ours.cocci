// Any Host is taken.
// killers: test_http_names
@@
@@
may_ask(...)
{
<...
- host.data && !http_host_is_ours(config, host)
+ false
...>
}
