// Every operation is of level 1: nodes that do not know it take it for malformed.
// killers: test_command
@@
@@
level_of(...)
{
<...
- type_levels[op->type]
+ 1
...>
}
