// JSON has the tag of the raw bytes.
// killers: test_http_meaning
@@
@@
put_answer_fields(...)
{
<...
- answer->etag_form == HTTP_FORM_JSON
+ false
...>
}
