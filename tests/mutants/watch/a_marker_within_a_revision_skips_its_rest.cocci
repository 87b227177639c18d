// A client that comes back within a revision misses the rest of it.
// killers: test_http_watch
@@
@@
watch_begins(...)
{
<...
- *since -= again;
+ ;
...>
}
