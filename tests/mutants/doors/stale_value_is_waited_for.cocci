// A read that takes what this node last knew waits for contents.
// killers: test_http
@@
@@
http_await_contents(...)
{
<...
- !freshness.stale
+ true
...>
}
