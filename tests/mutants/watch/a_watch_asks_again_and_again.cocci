// A node with watches asks the leader in every turn, although nothing has come.
// killers: test_watches
@@
expression E;
@@
reads_hasten(...)
{
<...
- r->reads.hastened = E;
+ ;
...>
}
