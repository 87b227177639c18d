// A node goes on although another differs and no majority can tell which is right.
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
