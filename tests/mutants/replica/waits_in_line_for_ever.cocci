// A command waits behind others although nothing is decided any more.
// killers: test_writes
@@
@@
waits_in_line(...)
{
<...
- now_ms < r->writes.progress_ms + r->config->request_timeout_ms
+ true
...>
}
