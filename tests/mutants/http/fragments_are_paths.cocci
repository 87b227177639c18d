// A target may have a fragment.
// killers: test_http_strict
@@
@@
take_target(...)
{
<...
- strchr(head->target, '#')
+ false
...>
}
