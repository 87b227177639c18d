// Answers do not say that Accept chooses their form.
// killers: test_http_meaning
@@
@@
put_answer_fields(...)
{
<...
- answer->varies
+ false
...>
}
