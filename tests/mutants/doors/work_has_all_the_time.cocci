// A turn has time for everything that clients ask for.
// killers: test_http_work
@@
expression E;
@@
http_has_time(...)
{
<...
- return http->worked_ns < E;
+ return true;
...>
}
