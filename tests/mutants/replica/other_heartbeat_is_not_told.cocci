// A node does not say that another one has another heartbeat.
// killers: test_settings
@@
@@
remark_differences(...)
{
<...
- its->heartbeat_ms != r->config->heartbeat_ms
+ false
...>
}
