// There may be any number of threads that look up names at silent servers.
// killers: test_peer_lookup
@@
@@
lookup_start(...)
{
<...
- LOOKUPS_MAX
+ 4000
...>
}
