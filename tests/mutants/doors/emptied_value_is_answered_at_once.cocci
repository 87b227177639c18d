// GET does not wait for the contents of an emptied file.
// killers: test_http
@@
@@
on_read_key(...)
{
<...
- http_await_contents(...)
+ false
...>
}
