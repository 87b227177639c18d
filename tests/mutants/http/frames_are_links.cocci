// A page of another origin may show answers in a frame.
// killers: test_http_users
@@
@@
http_page_may(...)
{
<...
- field_is(head, "Sec-Fetch-Dest", "document")
+ true
...>
}
