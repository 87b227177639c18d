// A node believes its own clock until the level has risen, and changes that were proposed before may be dated by it.
// killers: test_dates
@@
@@
levels_reach(...)
{
<...
- level_of(r) >= level || level_of_all(r) >= level
+ level_of(r) >= level
...>
}
