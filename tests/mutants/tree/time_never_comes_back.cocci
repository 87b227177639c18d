// Once one clock was ahead, everything is dated by it until that time has come.
// killers: test_tree_times, test_tree_random
@@
@@
time_of(...)
{
<...
- proposed > last || comes_back ? proposed : last + 1
+ proposed > last ? proposed : last + 1
...>
}
