// A writer does not hear that a look of somebody else has lost its writes.
// killers: test_fs
@@
@@
writes_lost(...)
{
<...
- handle->error = error;
+ handle->error = error - error;
...>
}
