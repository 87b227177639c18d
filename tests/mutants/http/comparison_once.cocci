// A key that changed since it was compared is not compared again.
// killers: test_http_meaning
@@
@@
on_changed(...)
{
<...
- ++change->tries < TRIES_MAX
+ false
...>
}
