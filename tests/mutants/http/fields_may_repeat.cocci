// A field that says one thing may come twice.
// killers: test_http_strict
@@
@@
head_take_fields(...)
{
<...
- find_repeated(head)
+ false
...>
}
