// A client of another machine needs no token.
// killers: test_http_users
@@
@@
take_user(...)
{
<...
- user->standing == HTTP_USER_STRANGER
+ false
...>
}
