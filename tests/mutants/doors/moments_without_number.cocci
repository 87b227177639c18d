// Moments that wait for a next page are not given up for others.
// killers: test_http_moments
@@
@@
http_moment_now(...)
{
<...
- make_room(http);
...>
}
