// A node goes on although somebody differs and nobody can tell who is right.
// killers: test_divergence
@@
@@
divergence_judge(...)
{
<...
- DIVERGENCE_DOUBT
+ DIVERGENCE_NONE
...>
}
