// A node whose own reads come to nothing says that it serves.
// killers: test_why
@@
@@
why_of(...)
{
<...
- reads_are_late(r, now_ms)
+ false
...>
}
