// A token that this node has not heard of is refused at once.
// killers: test_http_users
@@
@@
identify_by_token(...)
{
<...
- !take_token(request)
+ take_token(request), false
...>
}
