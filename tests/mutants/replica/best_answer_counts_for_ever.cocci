// The quickest answer counts for ever, though steady clocks drift.
// killers: test_clocks
@@
expression E;
@@
clocks_told(...)
{
<...
- E / CLOCK_DRIFT
+ E * 0
...>
}
