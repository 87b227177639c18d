// A command that waited for nothing gets another deadline when it is proposed: calls last longer.
// killers: test_writes
@@
expression E;
@@
writes_propose_new(...)
{
<...
- w->sequence < r->writes.in_line_below && E
+ E
...>
}
