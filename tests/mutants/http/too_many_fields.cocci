// The number of fields is not limited.
// killers: test_http_strict
@@
@@
head_take_fields(...)
{
<...
- head->field_count == HTTP_FIELDS_MAX
+ head->field_count == HTTP_FIELDS_MAX + 100
...>
}
