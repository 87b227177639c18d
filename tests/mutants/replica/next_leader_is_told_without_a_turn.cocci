// What is due to be repeated goes to the next leader before what is not for it was dropped.
// killers: test_writes
@@
expression E;
@@
writes_expire(...)
{
<...
- E || next_leader(r)
+ E
...>
}
