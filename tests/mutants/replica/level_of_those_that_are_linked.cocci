// The level rises although a member is not linked, which may not read it.
// killers: test_levels
@@
@@
level_of_all(...)
{
<...
- return 0;
+ continue;
...>
}
