// An operation whose number none has is read.
// killers: test_command
@@
@@
read_head(...)
{
<...
- type_levels[op->type] > 0
+ true
...>
}
