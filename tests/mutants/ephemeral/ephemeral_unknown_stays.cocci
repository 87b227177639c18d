// A file of which its caller was not told stays.
// killers: test_fs
@@
@@
ephemeral_ended(...)
{
<...
- e->unknown[e->next++ % FS_EPHEMERAL_UNKNOWN_MAX] = r->lock.waiter;
...>
}
