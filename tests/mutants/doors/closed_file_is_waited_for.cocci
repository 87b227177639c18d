// Reads wait for a file that was closed without a write.
// killers: test_fs
@@
@@
fs_release(...)
{
<...
- handle->emptied
+ false
...>
}
