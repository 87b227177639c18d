// Without a quorum, a token that may have been removed is taken.
// killers: test_http_users
@@
@@
http_read(...)
{
<...
- request->user->caller.token == 0
+ true
...>
}
