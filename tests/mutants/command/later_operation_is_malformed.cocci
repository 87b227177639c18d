// An operation or a field of a later level is a no-op, as malformed bytes are.
// killers: test_command, test_tree_once
@@
@@
read_head(...)
{
<...
- return known ? 0 : -EPROTONOSUPPORT;
+ return known ? 0 : -EBADMSG;
...>
}
