// A waiter does not hear of its grant.
// killers: test_tree_locks
@@
@@
wait_grant(...)
{
<...
- wait_tell(c, CHANGE_LOCK_GRANTED, wait);
...>
}
