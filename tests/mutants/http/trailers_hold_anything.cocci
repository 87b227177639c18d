// The name of a trailer may hold blanks.
// killers: test_http_strict
@@
@@
take_trailer_name(...)
{
<...
- c != ' '
+ true
...>
}
