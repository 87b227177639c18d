// Others than root read by rights that may be old.
// killers: test_http_users
@@
@@
http_read(...)
{
<...
- http_user_is_root(request->user)
+ true
...>
}
