// The moment of a gathered value is held until the client has taken the answer.
// killers: test_http_moments
@@
@@
value_gather(...)
{
<...
- http_value_free(request->value);
- request->value = NULL;
  http_answer(request, request->answer.range_status);
...>
}
