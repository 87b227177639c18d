// A node at which nothing is decided says that it serves.
// killers: test_why
@@
@@
why_of(...)
{
<...
- writes_are_late(r, now_ms)
+ false
...>
}
