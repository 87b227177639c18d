// Operations that were added before the command became wider keep their former encoding.
// killers: test_command
@@
@@
command_add(...)
{
<...
- return add_to_wider(c, op, level);
+ ;
...>
}
