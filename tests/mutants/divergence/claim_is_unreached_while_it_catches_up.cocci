// A node that is still applying takes what another has applied for what will never be decided.
// killers: test_divergence
@@
@@
divergence_beat(...)
{
<...
- caught_up && p->waits
+ p->waits
...>
}
