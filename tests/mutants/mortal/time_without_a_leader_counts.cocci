// Time without a leader counts.
// killers: test_expiry
@@
@@
clock_at(...)
{
<...
- e->counts && now_ms > e->seen_ms
+ now_ms > e->seen_ms
...>
}
