// The result of AS is taken for that of the first operation.
// killers: test_http_users
@@
@@
on_written_as(...)
{
<...
- command_result_behind(result, 1)
+ *result
...>
}
