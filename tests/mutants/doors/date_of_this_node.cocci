// Answers have the date that this node's clock shows.
// killers: test_http
@@
@@
date_now(...)
{
<...
- replica_time(http->replica)
+ time(NULL) * 1000000000
...>
}
