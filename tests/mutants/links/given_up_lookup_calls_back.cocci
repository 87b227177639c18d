// The answer of a look-up that was given up still wakes the loop up, whose handle is closed.
// killers: test_peer_lookup
@@
expression E;
@@
lookup_thread(...)
{
<...
- if (!E)
-         uv_async_send(...);
+ uv_async_send(&l->looked_up);
...>
}
