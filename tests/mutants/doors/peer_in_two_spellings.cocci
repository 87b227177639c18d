// A peer may be given twice in two spellings.
// killers: test_config
@@
@@
config_check_member(...)
{
<...
- config_same_addr(member->addr, before)
+ false
...>
}
