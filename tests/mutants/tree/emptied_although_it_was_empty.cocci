// A file that was empty before is waited for.
// killers: test_emptied
@@
@@
op_truncate(...)
{
<...
- (op->flags & OP_FOR_OPEN) && op->size == 0 && inode.attr.size > 0
+ (op->flags & OP_FOR_OPEN) && op->size == 0
...>
}
