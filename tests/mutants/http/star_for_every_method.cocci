// The target * is taken for every method.
// killers: test_http_strict
@@
@@
take_target(...)
{
<...
- strcmp(head->method, "OPTIONS") == 0
+ true
...>
}
