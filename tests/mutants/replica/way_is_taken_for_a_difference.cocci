// A clock is wrong because its answer was slow.
// killers: test_clocks
@@
@@
agreeing(...)
{
<...
- agree_ms * 1000000 + member->margin_ns
+ agree_ms * 1000000
...>
}
