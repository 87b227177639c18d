// Conditions that are malformed are not refused.
// killers: test_http_meaning
@@
@@
http_conditions_ok(...)
{
<...
- if (why) http_error(...);
- return !why;
+ return true;
...>
}
