// Of several new commands only the youngest is proposed.
// killers: test_writes
@@
@@
writes_propose(...)
{
<...
- before && !before->proposed
+ before && !before->proposed && !w
...>
}
