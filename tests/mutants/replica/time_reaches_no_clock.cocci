// Of two clocks the later one counts whenever the last change is later than the earlier one, though both are.
// killers: test_clocks
@@
@@
median(...)
{
<...
- later >= last - slack
+ 1
...>
}
