// No tail of the log is kept for nodes that were briefly away.
// killers: test_trim
@@
@@
checkpoint_trim(struct replica *r)
{
<...
- !beyond_tail || wanted || still_fetched
+ wanted || still_fetched
...>
}
