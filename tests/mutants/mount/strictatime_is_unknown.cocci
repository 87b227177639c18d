// An option that cannot be is refused like a wrong word, without a reason.
// killers: test_config
@@
@@
config_set_option(...)
{
<...
- if (config_refuse(option, fault) < 0)
-     return -EINVAL;
...>
}
