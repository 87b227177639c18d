// A circle that leads through an older wait is not found.
// killers: test_tree_locks
@@
@@
circle_follow(...)
{
<...
- status = circle_meets(circle, &other);
...>
}
