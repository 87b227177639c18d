// The level rises to what some member does not read.
// killers: test_levels
@@
@@
level_of_all(...)
{
<...
- levels.max < level
+ levels.max > level
...>
}
