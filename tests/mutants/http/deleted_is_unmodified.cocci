// A key that is gone counts as unmodified.
// killers: test_http_meaning
@@
expression E;
@@
is_unmodified(...)
{
<...
- selected->exists && E
+ E
...>
}
