// A blank may stand before the colon of a field.
// killers: test_http_strict
@@
@@
take_field(...)
{
<...
- line[len] != ':'
+ (line[len] != ' ' && line[len] != ':')
...>
}
