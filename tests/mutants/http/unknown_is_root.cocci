// A caller who cannot be told is root.
// killers: test_http_users
@@
@@
http_user_find(...)
{
<...
- c->user = &nobody;
+ c->user = &root;
...>
}
