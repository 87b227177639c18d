// Host is not looked at as a name and a port.
// killers: test_http_strict
@@
@@
take_host(...)
{
<...
- !http_authority_ok(bytes_of_text(host))
+ false
...>
}
