// A moment that is kept for a next page stays for ever.
// killers: test_http_moments
@@
expression E;
@@
on_timer(...)
{
<...
- http_moments_expire(E);
...>
}
