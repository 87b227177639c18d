// The weights of Accept are ignored.
// killers: test_http_meaning
@@
@@
http_form_wanted(...)
{
<...
- raw > 0 && raw >= json
+ raw > 0
...>
}
