// A watch that took a part of an entry gets that again.
// killers: test_watches
@@
@@
tell_one(...)
{
<...
- t->number < watch->skip
+ false
...>
}
