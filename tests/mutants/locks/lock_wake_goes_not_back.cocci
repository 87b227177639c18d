// After a grant that leaves room, older waits are not looked at again.
// killers: test_tree_locks
@@
@@
waits_wake(...)
{
<...
- after = weaker ? 0 : wait.ticket;
+ after = wait.ticket;
...>
}
