// The truncation of open(2) does not say that contents follow.
// killers: test_fs
@@
@@
open_empty(...)
{
<...
- OP_FOR_OPEN | fs_kill_priv(req)
+ fs_kill_priv(req)
...>
}
