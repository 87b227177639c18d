// A file that has lost its last name can still be opened by handle where it is kept.
// killers: test_fs
@@
expression E;
@@
found(...)
{
<...
- E || (status == 0 && attr.nlink == 0)
+ E
...>
}
