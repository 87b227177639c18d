// Without a quorum, making a name fails as if its outcome were unknown.
// killers: test_fs
@@
@@
error_of_lookup(...)
{
<...
- EROFS
+ EIO
...>
}
