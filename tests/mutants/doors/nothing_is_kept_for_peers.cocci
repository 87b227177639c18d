// Clients may have all descriptors.
// killers: test_listener, test_http_crowd
@@
@@
descriptors_for_clients(...)
{
<...
- descriptors_count - DESCRIPTORS_KEPT
+ descriptors_count
...>
}
