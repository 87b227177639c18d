// A node takes its own addr in another spelling for that of a peer.
// killers: test_config
@@
@@
config_check_member(...)
{
<...
- config_same_addr(member->addr, me)
+ false
...>
}
