// What is left of a lock in front of the bytes that are given up is lost.
// killers: test_tree_locks
@@
@@
places_make(...)
{
<...
- places->left = old;
...>
}
