// A turn has time for everything that clients ask for.
// killers: test_http_work
@@
@@
http_has_time(...)
{
<...
- return http->worked_ns < (uint64_t)HTTP_TURN_MS_MAX * 1000000;
+ return true;
...>
}
