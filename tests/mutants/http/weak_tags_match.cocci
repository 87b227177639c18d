// If-Match takes weak tags.
// killers: test_http_meaning
@@
@@
names_selected(...)
{
<...
- tag.weak && !takes_weak
+ false
...>
}
