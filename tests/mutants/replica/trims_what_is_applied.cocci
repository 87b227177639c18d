// The log is trimmed below what the tree has applied, durable or not (trap 9).
// killers: test_trim
@@
@@
checkpoint_trim(struct replica *r)
{
<...
- index < r->checkpoint.durable
+ index < tree_applied(r->tree)
...>
}
