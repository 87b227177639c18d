// A message may take any time to arrive.
// killers: test_http_bounds
@@
@@
session_expire(...)
{
<...
- late
+ false
...>
}
