// A lock that becomes shared does not wake those that can share it.
// killers: test_tree_locks
@@
@@
op_lock(...)
{
<...
- return status == 0 && weaker ? waits_wake(c, want.ino, want.flock) : status;
+ return status;
...>
}
