// A command has the level of the operation that was added last.
// killers: test_command
@@
@@
command_add(...)
{
<...
- if (level < c->level)
-     level = c->level;
...>
}
