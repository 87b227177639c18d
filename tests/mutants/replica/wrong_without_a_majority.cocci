// A node says that its clock is wrong, though no majority agrees on another time.
// killers: test_clocks, test_dates
@@
@@
clocks_judge(...)
{
<...
- agreeing(clocks, common_ns, agree_ms) >= majority
+ true
...>
}
