// A command is proposed that some member cannot read.
// killers: test_levels
@@
@@
held_pass(...)
{
<...
- levels_allow(r, command)
+ true
...>
}
