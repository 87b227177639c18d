// A field may have no name.
// killers: test_http_strict
@@
@@
take_field(...)
{
<...
- len == 0 || line[len] != ':'
+ line[len] != ':'
...>
}
