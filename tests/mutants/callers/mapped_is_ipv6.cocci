// IPv4 in IPv6 form is looked up as IPv6.
// killers: test_owner
@@
@@
end_of(...)
{
<...
- IN6_IS_ADDR_V4MAPPED(&in->sin6_addr)
+ false
...>
}
