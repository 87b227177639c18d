// Reads are said to be late that could not be asked for before.
// killers: test_why
@@
@@
reads_are_late(...)
{
<...
- r->why.able_ms > r->reads.confirmed_ms ? r->why.able_ms : r->reads.confirmed_ms
+ r->reads.confirmed_ms
...>
}
