// A change under one weak tag takes effect.
// killers: test_http_meaning
@@
@@
http_conditions_add(...)
{
<...
- tag.weak ? 0 : tag.revision
+ tag.revision
...>
}
