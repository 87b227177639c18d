// A token is taken after its time.
// killers: test_http_users
@@
@@
http_token_lasts(...)
{
<...
- token->expires == 0
+ true
...>
}
