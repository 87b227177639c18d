// Whoever gives a look-up up waits for its answer.
// killers: test_peer_lookup
@@
@@
lookup_thread(...)
{
...
- l->status = getaddrinfo(...);
+ pthread_mutex_lock(&l->lock);
+ l->status = getaddrinfo(l->host, NULL, &hints, &l->found);
+ pthread_mutex_unlock(&l->lock);
...
}
