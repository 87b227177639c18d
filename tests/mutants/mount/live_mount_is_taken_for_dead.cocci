// A live mount of somebody else is replaced.
// killers: test_mount
@@
@@
is_dead(...)
{
<...
- return stat(path, &now) < 0 && (errno == ENOTCONN || errno == ECONNABORTED);
+ return true;
...>
}
