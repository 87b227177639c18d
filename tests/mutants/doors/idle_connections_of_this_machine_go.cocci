// Idle connections of this machine go for those of others.
// killers: test_http_bounds
@@
@@
may_take(...)
{
<...
- http_address_is_local(address)
+ true
...>
}
