// Large replies are made before those ahead of them are taken.
// killers: test_http_bounds
@@
@@
http_client_room(...)
{
...
- bool is_next = exchange == TAILQ_FIRST(&session->queue);
+ bool is_next = true;
...
}
