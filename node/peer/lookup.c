#include "peer/lookup.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Shared by the loop and the thread; freed by the one that leaves it last. */
struct lookup {
    atomic_uint users; /* the thread, and the handle of the loop */
    pthread_mutex_t lock;
    bool given_up; /* under the lock: the handle is being closed */
    uv_async_t looked_up;
    lookup_cb *done;
    void *arg;
    int status; /* of getaddrinfo; with `found`, written before the loop is woken up */
    struct addrinfo *found;
    char host[];
};

static atomic_uint lookups_running;

static void lookup_leave(struct lookup *l)
{
    if (atomic_fetch_sub(&l->users, 1) > 1)
        return;
    if (l->found)
        freeaddrinfo(l->found);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static void *lookup_thread(void *arg)
{
    struct lookup *l = arg;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    l->status = getaddrinfo(l->host, NULL, &hints, &l->found);
    if (l->status != 0)
        l->found = NULL;
    pthread_mutex_lock(&l->lock);
    if (!l->given_up)
        uv_async_send(&l->looked_up);
    pthread_mutex_unlock(&l->lock);
    lookup_leave(l);
    atomic_fetch_sub(&lookups_running, 1);
    return NULL;
}

static void on_closed(uv_handle_t *handle)
{
    lookup_leave(handle->data);
}

void lookup_give_up(struct lookup *l)
{
    pthread_mutex_lock(&l->lock);
    l->given_up = true;
    pthread_mutex_unlock(&l->lock);
    uv_close((uv_handle_t *)&l->looked_up, on_closed);
}

static void lookup_ended(uv_async_t *async)
{
    struct lookup *l = async->data;
    const char *why = l->status != 0 ? gai_strerror(l->status) : "its name has no address";
    lookup_give_up(l); /* the handle closes after this */
    l->done(l->arg, l->found, why);
}

static int lookup_run(struct lookup *l)
{
    pthread_attr_t detached;
    pthread_t thread;
    if (pthread_attr_init(&detached) != 0)
        return -1;
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    int status = pthread_create(&thread, &detached, lookup_thread, l);
    pthread_attr_destroy(&detached);
    return status;
}

struct lookup *lookup_start(uv_loop_t *loop, const char *host, lookup_cb *done, void *arg)
{
    size_t len = strlen(host) + 1;
    struct lookup *l = calloc(1, sizeof *l + len);
    if (!l)
        return NULL;
    if (atomic_fetch_add(&lookups_running, 1) >= LOOKUPS_MAX)
        goto failed;
    if (uv_async_init(loop, &l->looked_up, lookup_ended) < 0)
        goto failed;
    l->looked_up.data = l;
    l->done = done;
    l->arg = arg;
    memcpy(l->host, host, len);
    pthread_mutex_init(&l->lock, NULL);
    l->users = 2;
    if (lookup_run(l) == 0)
        return l;
    l->users = 1;
    atomic_fetch_sub(&lookups_running, 1);
    lookup_give_up(l);
    return NULL;

failed:
    atomic_fetch_sub(&lookups_running, 1);
    free(l);
    return NULL;
}
