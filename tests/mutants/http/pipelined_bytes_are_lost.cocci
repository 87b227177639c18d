// What comes behind a request that waits is dropped.
// killers: test_http_bad
@@
@@
connection_input(...)
{
<...
- left.len > 0
+ left.len > 0 && c->phase != HTTP_PHASE_RUNNING
...>
}
