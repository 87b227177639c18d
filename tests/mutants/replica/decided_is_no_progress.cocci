// Writes that are decided one after the other are said to wait.
// killers: test_why
@@
@@
writes_are_late(...)
{
<...
- r->status.decided == r->why.decided
+ true
...>
}
