// A length beside chunks is taken.
// killers: test_http_strict
@@
@@
take_framing(...)
{
<...
- length && encoded
+ false
...>
}
