// The clock is taken to have been read when its node was asked.
// killers: test_clocks
@@
@@
clocks_told(...)
{
<...
- ns_of(asked_us + half_us)
+ ns_of(asked_us)
...>
}
