// open(O_TRUNC) comes before writes that were gathered before it.
// killers: test_fs
@@
@@
open_empty(...)
{
<...
- fs_pending_take(r);
...>
}
