// An unknown operation in a command of version 1 stops the node; nodes of level 1 go on.
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
