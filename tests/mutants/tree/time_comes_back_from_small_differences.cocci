// What is made of a file is older than the file, if it is made by a node whose clock is a little behind.
// killers: test_tree_times, test_tree_random
@@
@@
time_of(...)
{
<...
- last - proposed > TIME_BACK_MAX
+ last - proposed > 0
...>
}
