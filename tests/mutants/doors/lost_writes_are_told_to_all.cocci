// Also handles without gathered writes hear of those that were lost.
// killers: test_fs
@@
@@
writes_lost(...)
{
<...
- handle->last_taken >= r->take
+ true
...>
}
