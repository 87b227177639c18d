// A file's lock that has to wait for another way keeps what it had.
// killers: test_tree_locks
@@
@@
lock_wait_begin(...)
{
<...
- int status = want->flock ? lock_give_up(c, want, &weaker) : 0;
+ int status = 0;
...>
}
