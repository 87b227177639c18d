// A directory that mkdir has made goes with its last key as well.
// killers: test_tree_implied, test_tree_random
@@
@@
op_mkdir(...)
{
<...
- return make_new(c, op, (op->mode & 07777) | S_IFDIR, (struct bytes){0}, out);
+ int status = make_new(c, op, (op->mode & 07777) | S_IFDIR, (struct bytes){0}, out);
+ struct inode made;
+ if (status == 0 && inode_get(c->tree, out->attr.ino, &made) == 0) {
+     made.attr.rdev = implied_rdev(c->tree);
+     status = inode_set(c, &made);
+ }
+ return status;
...>
}
