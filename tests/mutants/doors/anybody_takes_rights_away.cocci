// chown(f, -1, -1) by somebody who does not own the file takes setuid away.
// killers: test_fs
@@
expression E;
@@
is_chown(...)
{
- return E || (to_set == 0 && may_chown(r));
+ return E || to_set == 0;
}
