// A quota that is used up is no full disk.
// killers: test_room
@@
expression E;
@@
try_write(...)
{
<...
- return E ? SQLITE_FULL : code;
+ return code;
...>
}
