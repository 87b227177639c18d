// fallocate that changes no byte leaves the times as they are.
// killers: test_fs
@@
@@
fs_fallocate(...)
{
...
- struct op touch = {.type = OP_SETATTR, .ino = ino, .flags = OP_SET_MTIME_NOW};
+ struct op touch = {.type = OP_SETATTR, .ino = ino};
...
}
