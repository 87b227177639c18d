// GET of several keys does not wait for an emptied one.
// killers: test_http
@@
@@
on_read_keys(...)
{
<...
- http_await_contents(...)
+ false
...>
}
