// The directory that a name is moved to keeps its mtime, so a cached listing of it looks current.
// killers: test_former_snapshot
@@
@@
op_rename(...)
{
<...
- inode_touch(c, r.to);
...>
}
