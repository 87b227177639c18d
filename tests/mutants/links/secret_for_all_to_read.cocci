// node.json may have a secret in it that others can read.
// killers: test_config
@@
@@
config_check_mode(...)
{
<...
- !(about.st_mode & 077)
+ !(about.st_mode & 07)
...>
}
