// Looking up the name of an emptied file does not wait.
// killers: test_fs
@@
@@
looked_up(...)
{
<...
- fs_await_contents(r, attr.ino)
+ false
...>
}
