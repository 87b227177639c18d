// A snapshot that is being received uses up what starting and deleting need.
// killers: test_room
@@
@@
may_use_reserve(...)
{
<...
- return !strstr(...);
+ return true;
...>
}
