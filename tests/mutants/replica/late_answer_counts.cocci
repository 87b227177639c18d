// An answer that took any time is believed.
// killers: test_clocks
@@
@@
clocks_told(...)
{
<...
- now_us - asked_us > CLOCK_ANSWER_MS * 1000
+ 0
...>
}
