/* Looking names up, while name servers answer late or never. */
#include "peer/lookup.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* In the place of that of the C library. Names that begin with "silent" have no answer until the
 * servers answer. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool answer;
    unsigned asked, freed;
} servers = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0, 0};

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    pthread_mutex_lock(&servers.lock);
    servers.asked++;
    pthread_cond_broadcast(&servers.changed);
    while (strncmp(host, "silent", 6) == 0 && !servers.answer)
        pthread_cond_wait(&servers.changed, &servers.lock);
    pthread_mutex_unlock(&servers.lock);
    if (strcmp(host, "nobody") == 0)
        return EAI_NONAME;
    *found = calloc(1, sizeof **found);
    (*found)->ai_flags = (int)strlen(host);
    return 0;
}

void freeaddrinfo(struct addrinfo *found)
{
    pthread_mutex_lock(&servers.lock);
    servers.freed++;
    pthread_cond_broadcast(&servers.changed);
    pthread_mutex_unlock(&servers.lock);
    free(found);
}

static void wait_for_counts(unsigned asked, unsigned freed)
{
    pthread_mutex_lock(&servers.lock);
    while (servers.asked < asked || servers.freed < freed)
        pthread_cond_wait(&servers.changed, &servers.lock);
    pthread_mutex_unlock(&servers.lock);
}

static void let_servers_answer(bool answer)
{
    pthread_mutex_lock(&servers.lock);
    servers.answer = answer;
    pthread_cond_broadcast(&servers.changed);
    pthread_mutex_unlock(&servers.lock);
}

static uv_loop_t loop;

struct answer {
    unsigned count;
    int found; /* the length of the name; -1: nothing */
    const char *why;
};

static void on_done(void *arg, const struct addrinfo *found, const char *why)
{
    struct answer *a = arg;
    a->count++;
    a->found = found ? found->ai_flags : -1;
    a->why = why;
}

static int begin(void **state)
{
    servers.asked = servers.freed = 0;
    servers.answer = false;
    return uv_loop_init(&loop);
}

static int end(void **state)
{
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop);
}

static void an_answer_comes_on_the_loop(void **state)
{
    struct answer a[2] = {{0}};
    assert_non_null(lookup_start(&loop, "host", on_done, &a[0]));
    assert_non_null(lookup_start(&loop, "nobody", on_done, &a[1]));
    assert_int_equal(a[0].count, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(a[0].count, 1);
    assert_int_equal(a[0].found, 4);
    assert_int_equal(a[1].count, 1);
    assert_int_equal(a[1].found, -1);
    assert_string_equal(a[1].why, gai_strerror(EAI_NONAME));
    wait_for_counts(2, 1);
}

static void on_work(uv_work_t *work)
{
    *(bool *)work->data = true;
}

/* The loop ends, and what else runs in the background does not wait. */
static void nothing_waits_for_silent_servers(void **state)
{
    enum { COUNT = 8 }; /* more than libuv has threads */
    struct answer a = {0};
    struct lookup *lookups[COUNT];
    for (int i = 0; i < COUNT; i++) {
        lookups[i] = lookup_start(&loop, "silent", on_done, &a);
        assert_non_null(lookups[i]);
    }
    wait_for_counts(COUNT, 0);
    bool done = false;
    uv_work_t work = {.data = &done};
    assert_int_equal(uv_queue_work(&loop, &work, on_work, NULL), 0);
    while (!done)
        uv_run(&loop, UV_RUN_NOWAIT);
    for (int i = 0; i < COUNT; i++)
        lookup_give_up(lookups[i]);
    uv_run(&loop, UV_RUN_DEFAULT);
    let_servers_answer(true);
    wait_for_counts(COUNT, COUNT);
    assert_int_equal(a.count, 0);
}

static void threads_are_bounded(void **state)
{
    struct answer a = {0};
    struct lookup *lookup;
    unsigned count = 0;
    for (; (lookup = lookup_start(&loop, "silent", on_done, &a)); count++)
        lookup_give_up(lookup);
    assert_true(count > 0 && count <= LOOKUPS_MAX);
    uv_run(&loop, UV_RUN_DEFAULT);
    let_servers_answer(true);
    wait_for_counts(count, count);
    while (!(lookup = lookup_start(&loop, "host", on_done, &a))) /* the threads are ending */
        uv_run(&loop, UV_RUN_NOWAIT);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(a.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_answer_comes_on_the_loop, begin, end),
        cmocka_unit_test_setup_teardown(nothing_waits_for_silent_servers, begin, end),
        cmocka_unit_test_setup_teardown(threads_are_bounded, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
