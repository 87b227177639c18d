// chown(f, -1, -1) by the owner or root leaves setuid and setgid.
// killers: test_fs
@@
expression E;
@@
is_chown(...)
{
- return E || (to_set == 0 && may_chown(r));
+ return E;
}
