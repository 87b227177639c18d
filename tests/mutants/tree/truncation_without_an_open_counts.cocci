// A file that truncate(2) has emptied is waited for.
// killers: test_emptied
@@
@@
op_truncate(...)
{
<...
- (op->flags & OP_FOR_OPEN) && op->size == 0 && inode.attr.size > 0
+ op->size == 0 && inode.attr.size > 0
...>
}
