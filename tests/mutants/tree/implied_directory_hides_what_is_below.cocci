// A PUT takes the place of a directory that has other things than directories below it.
// killers: test_tree_implied, test_tree_random
@@
@@
collect(...)
{
<...
- if (status == 0 && all->used)
-     status = -EISDIR;
...>
}
