// Any number of entries is under way.
// killers: test_mortals
@@
@@
may_propose(...)
{
<...
- !r->mortals.asked
+ true
...>
}
