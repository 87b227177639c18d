// The level rises although a member that may not read it is not linked.
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
