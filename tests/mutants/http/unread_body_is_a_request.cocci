// The body of a request that was refused early is read as the next request.
// killers: test_http_bad
@@
@@
begin_body(...)
{
<...
- !head->keep_alive || !body_can_be_dropped(head)
+ !head->keep_alive
...>
}
