// If-Unmodified-Since is ignored.
// killers: test_http_meaning
@@
expression E;
@@
is_unmodified(...)
{
<...
- selected->changed <= E
+ (selected->changed <= E || true)
...>
}
