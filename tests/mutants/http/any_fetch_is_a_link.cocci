// What a page of another origin shows is taken for a link.
// killers: test_http_users
@@
@@
http_page_may(...)
{
<...
- own || link
+ true
...>
}
