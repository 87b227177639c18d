// A proposal that got lost is not proposed again as long as later ones are decided.
// killers: test_writes
@@
expression E;
@@
may_be_lost(...)
{
<...
- w->proposal < r->writes.applied || E
+ E
...>
}
