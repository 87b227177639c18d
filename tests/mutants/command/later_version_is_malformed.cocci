// A command of a later version is a no-op, as malformed bytes are.
// killers: test_command, test_tree_once
@@
@@
command_read(...)
{
<...
- return -EPROTONOSUPPORT;
+ return -EBADMSG;
...>
}
