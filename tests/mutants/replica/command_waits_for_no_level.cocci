// A command that needs the next level is refused although that level is about to come.
// killers: test_levels
@@
@@
held_must_wait(...)
{
<...
- levels_rise(r)
+ false
...>
}
