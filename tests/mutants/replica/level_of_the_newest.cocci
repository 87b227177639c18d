// The level rises to one that some member cannot read.
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
