// The next page of a listing does not name the moment of the first one.
// killers: test_http_moments, test_http
@@
@@
answer_page(...)
{
<...
- buffer_printf(out, "&revision=%llu", (unsigned long long)revision);
...>
}
