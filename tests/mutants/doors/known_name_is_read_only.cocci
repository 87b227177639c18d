// Without a quorum, reading a file fails as a change of it.
// killers: test_fs
@@
@@
error_of_lookup(...)
{
<...
- EIO
+ EROFS
...>
}
