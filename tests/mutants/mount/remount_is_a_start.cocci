// The options that mount(8) repeats when it remounts are taken for fields of node.json.
// killers: test_config
@@
@@
config_set_option(...)
{
<...
- draft->config->remount && (strcmp(option, "remount") == 0 || config_repeats(option))
+ draft->config->remount && strcmp(option, "remount") == 0
...>
}
