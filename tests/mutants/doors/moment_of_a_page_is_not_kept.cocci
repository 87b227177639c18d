// The moment of a page is given up with the page.
// killers: test_http_moments
@@
expression E;
@@
answer_page(...)
{
<...
- http_moment_keep(E, request->listing->moment);
...>
}
