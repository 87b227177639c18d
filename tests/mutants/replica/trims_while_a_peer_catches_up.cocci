// The log is trimmed away from under a living peer that is catching up.
// killers: test_trim
@@
@@
checkpoint_trim(struct replica *r)
{
<...
- !beyond_tail || wanted || still_fetched
+ !beyond_tail
...>
}
