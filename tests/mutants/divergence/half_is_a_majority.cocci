// Two against two both go on.
// killers: test_divergence
@@
@@
divergence_judge(...)
{
<...
- nodes - different < majority
+ nodes - different < nodes / 2
...>
}
