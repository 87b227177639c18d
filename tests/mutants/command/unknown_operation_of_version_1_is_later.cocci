// An operation that version 1 does not have stops the node, where nodes of level 1 go on.
// killers: test_command
@@
@@
read_head(...)
{
<...
- return known && type_levels[op->type] == 1 ? 0 : -EBADMSG;
+ return known && type_levels[op->type] == 1 ? 0 : -EPROTONOSUPPORT;
...>
}
