// An answer that took long replaces a better one.
// killers: test_clocks
@@
@@
clocks_told(...)
{
<...
- told.margin_ns <= margin_ns
+ true
...>
}
