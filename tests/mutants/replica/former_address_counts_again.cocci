// With any change of the cluster the addresses of the log take the place of what members said.
// killers: test_levels
@@
@@
take_addresses(...)
{
<...
- !is_known(r, from)
+ true
...>
}
