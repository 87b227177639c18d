// A watch that took a part of an entry gets that again.
// killers: test_watches
@@
@@
tell_one(...)
{
<...
- t->told++ < t->watch->skip
+ t->told++ < 0
...>
}
