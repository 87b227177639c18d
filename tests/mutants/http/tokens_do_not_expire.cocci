// A token is taken after its time.
// killers: test_http_users
@@
@@
http_user_holds(...)
{
<...
- token.expires == 0
+ true
...>
}
