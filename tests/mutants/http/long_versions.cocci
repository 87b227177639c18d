// A version may have text behind it.
// killers: test_http_strict
@@
@@
take_version(...)
{
<...
- !version[8]
+ true
...>
}
