// A node that no majority can agree with goes on.
// killers: test_divergence
@@
@@
divergence_judge(...)
{
<...
- nodes - different < majority
+ different == nodes
...>
}
