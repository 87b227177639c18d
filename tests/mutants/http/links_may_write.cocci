// A link of another page may change something.
// killers: test_http_users
@@
@@
http_page_may(...)
{
<...
- only_reads(head)
+ true
...>
}
