// All commands that wait are proposed in one round.
// killers: test_writes
@@
@@
writes_propose(...)
{
<...
- w && bytes < PROPOSE_BYTES_MAX
+ w
...>
}
