// Not only root manages tokens.
// killers: test_http_users
@@
@@
take_user(...)
{
<...
- access == HTTP_ROOT && !http_user_is_root(user)
+ false
...>
}
