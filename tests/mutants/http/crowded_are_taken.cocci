// A user in too many groups is taken without them.
// killers: test_http_users
@@
@@
take_user(...)
{
<...
- user->standing == HTTP_USER_REFUSED
+ false
...>
}
