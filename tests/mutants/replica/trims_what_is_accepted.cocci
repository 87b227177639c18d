// The log is trimmed by what is accepted, not by what the tree holds (trap 9).
// killers: test_trim
@@
@@
checkpoint_trim(struct replica *r)
{
<...
- index < r->checkpoint.durable
+ index < accepted
...>
}
