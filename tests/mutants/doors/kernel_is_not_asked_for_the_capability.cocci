// Whether a caller lacks CAP_FSETID follows from the wrong flag of a write: root seems to.
// killers: test_fs
@@
@@
lacks_fsetid(...)
{
<...
- return body.write.write_flags & FUSE_WRITE_KILL_SUIDGID;
+ return body.write.write_flags & FUSE_WRITE_LOCKOWNER;
...>
}
