// The truncation of open(2) does not say that contents follow.
// killers: test_fs
@@
@@
open_empty(...)
{
<...
+ op.flags = 0;
  fs_pending_take(...);
...>
}
