// With any change of the cluster, the addresses in the log replace those that members have
// announced.
// killers: test_levels
@@
@@
take_addresses(...)
{
<...
- !known
+ true
...>
}
