// A proposal that this version cannot read gets into the log, and stops the node.
// killers: test_levels
@@
@@
levels_readable(...)
{
<...
- status != -EPROTONOSUPPORT
+ true
...>
}
