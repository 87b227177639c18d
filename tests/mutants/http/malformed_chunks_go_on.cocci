// A connection goes on after chunks that are malformed.
// killers: test_http_strict
@@
@@
refuse_chunks(...)
{
<...
- c->closes = true;
...>
}
