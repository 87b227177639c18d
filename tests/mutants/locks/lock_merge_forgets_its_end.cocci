// A lock that takes in a longer one of its own ends where it was asked to.
// killers: test_tree_locks
@@
@@
places_make(...)
{
<...
- want->last = want->last > old.last ? want->last : old.last;
...>
}
