// A watch that has fallen out of the history goes on as if nothing were lost.
// killers: test_watches
@@
@@
watch_has_lost(...)
{
<...
- !watch->tell(watch->arg, &lost)
+ false
...>
}
