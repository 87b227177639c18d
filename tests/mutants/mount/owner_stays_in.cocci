// Once mounted by fusermount3, the folder stays writable for its owner.
// killers: test_mount
@@
@@
fs_bare_shut_out(...)
{
<...
- set_mode(bare, bare->mode & ~WRITE_MODES);
+ ;
...>
}
