// An owner that has a lock there waits behind those that wait for it.
// killers: test_tree_locks
@@
@@
lock_is_taken(...)
{
<...
- return status < 0 ? status : 0;
+ return status < 0 ? status : 1;
...>
}
