/* How the door closes: answers under way still arrive, idle connections end, and no wait is
 * long. */
#include "test_http_harness.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LARGE = 16 * 1024 * 1024 };

static int start(void **state)
{
    harness_start(state);
    return harness_reset(state);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void idle_connections_do_not_delay_a_stop(void **state)
{
    int idle = http_connect(), silent = http_connect(), client = ws_open();
    send_text(idle, "GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n");
    struct response response = receive_response(idle, false);
    response_free(&response);
    double before = seconds();
    harness_stop(state);
    assert_true(seconds() - before < 1);
    assert_true(is_closed(idle));
    assert_true(is_closed(silent));
    assert_true(is_closed(client) || is_closed(client)); /* a close frame may come first */
    close(idle);
    close(silent);
    close(client);
}

static int ask_for_large_value(void)
{
    char *value = calloc(1, LARGE);
    assert_non_null(value);
    harness_put("large", bytes_of(value, LARGE), S_IFREG | 0644);
    free(value);
    int fd = http_connect();
    send_text(fd, "GET /key/large HTTP/1.1\r\nHost: test\r\n"
                  "Accept: application/octet-stream\r\n\r\n");
    char byte;
    assert_int_equal(recv(fd, &byte, 1, MSG_PEEK), 1); /* it is on its way */
    return fd;
}

static void *stop_in_background(void *state)
{
    harness_stop(state);
    return NULL;
}

static void a_stop_waits_for_an_answer_under_way(void **state)
{
    pthread_t thread;
    int fd = ask_for_large_value();
    assert_int_equal(pthread_create(&thread, NULL, stop_in_background, state), 0);
    struct response response = receive_response(fd, false);
    assert_int_equal(response.body_len, LARGE);
    response_free(&response);
    pthread_join(thread, NULL);
    close(fd);
}

static void a_stop_leaves_a_client_that_does_not_read(void **state)
{
    int fd = ask_for_large_value();
    double before = seconds();
    harness_stop(state);
    assert_true(seconds() - before < 5);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(idle_connections_do_not_delay_a_stop, start),
        cmocka_unit_test_setup(a_stop_waits_for_an_answer_under_way, start),
        cmocka_unit_test_setup(a_stop_leaves_a_client_that_does_not_read, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
