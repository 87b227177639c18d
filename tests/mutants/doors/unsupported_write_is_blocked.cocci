// A WebSocket's write that some member does not support invites to try again.
// killers: test_http_client
@@
@@
is_blocked(...)
{
- return outcome != REPLICA_TIMEOUT && outcome != REPLICA_UNSUPPORTED && outcome != REPLICA_FULL;
+ return outcome != REPLICA_TIMEOUT && outcome != REPLICA_FULL;
}
