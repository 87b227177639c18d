// A watch is told of paths that its user may not see.
// killers: test_watches
@@
@@
may_see(...)
{
<...
- !watch->sees
+ true
...>
}
