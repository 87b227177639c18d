// A change of a file that some member does not support fails like one whose outcome is unknown.
// killers: test_fs
@@
@@
error_of_outcome(...)
{
<...
- return EOPNOTSUPP;
+ return EIO;
...>
}
