// A node believes that its clock is right although a majority agrees on another time.
// killers: test_clocks, test_dates
@@
@@
clocks_judge(...)
{
<...
- agreeing(clocks, own_ns, agree_ms) + 1 >= majority
+ agreeing(clocks, own_ns, agree_ms) + 2 >= majority
...>
}
