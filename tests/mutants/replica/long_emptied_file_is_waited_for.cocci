// A file that was emptied long ago is waited for.
// killers: test_emptied
@@
@@
emptied_await(...)
{
<...
- file->until_ms <= replica_now_ms()
+ false
...>
}
