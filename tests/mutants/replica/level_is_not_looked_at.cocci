// A command is proposed that some member cannot read.
// killers: test_levels
@@
@@
replica_submit_by(...)
{
<...
- levels_allow(r, command)
+ true
...>
}
