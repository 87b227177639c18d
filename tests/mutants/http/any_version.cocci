// HTTP/2 and later are read as HTTP/1.
// killers: test_http_strict
@@
@@
take_version(...)
{
<...
- version[5] == '1' ? 0 : HTTP_VERSION_NOT_SUPPORTED
+ 0
...>
}
