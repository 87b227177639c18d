// fallocate by a user who may not keep setuid leaves it.
// killers: test_fs
@@
@@
fs_fallocate(...)
{
<...
- fs_rights_write(req, &touch);
...>
}
