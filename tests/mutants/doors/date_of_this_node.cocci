// Answers have the date that this node's clock shows.
// killers: test_http
@@
@@
add_headers(...)
{
<...
- add_date(request->http->replica, response);
...>
}
