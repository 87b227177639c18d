// A command that needs the next level is refused although that level is about to come.
// killers: test_levels
@@
@@
levels_hold(...)
{
<...
- is_about_to_rise(r)
+ false
...>
}
