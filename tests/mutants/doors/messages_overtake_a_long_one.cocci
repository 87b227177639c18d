// A message is read while an earlier one of its connection is.
// killers: test_http_client
@@
@@
on_message(...)
{
<...
- session->reading ||
  message.len >= HTTP_JOB_BYTES_MIN
...>
}
