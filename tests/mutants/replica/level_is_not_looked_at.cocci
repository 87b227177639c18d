// A command is proposed that some member cannot read.
// killers: test_writes
@@
@@
replica_submit_by(...)
{
<...
- levels_allow(r, command)
+ true
...>
}
