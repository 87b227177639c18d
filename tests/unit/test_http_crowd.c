/* The door when its clients have all the descriptors that they may have. */
#include "test_http_harness.h"

#include "base/descriptors.h"

#include <sys/resource.h>
#include <unistd.h>

enum { FEW = DESCRIPTORS_CLIENTS_MIN };

static const char ping[] = "GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n";

/* The door may have few, while the test, in the same process, needs more. */
static int begin(void **state)
{
    struct rlimit limit;
    harness_start(state);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    descriptors_take(DESCRIPTORS_KEPT + FEW);
    assert_int_equal(descriptors_for_clients(), FEW);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return harness_reset(state);
}

static int end(void **state)
{
    descriptors_take(DESCRIPTORS_MAX);
    return harness_stop(state);
}

static void expect_status(int fd, int status)
{
    struct response response = receive_response(fd, false);
    assert_int_equal(response.status, status);
    response_free(&response);
}

static void the_oldest_idle_connection_goes_for_a_new_one(void **state)
{
    int fds[FEW + 2];
    for (int i = 0; i < FEW + 2; i++) {
        fds[i] = http_connect();
        send_text(fds[i], ping);
        expect_status(fds[i], 200);
    }
    assert_true(is_closed(fds[0]));
    assert_true(is_closed(fds[1]));
    send_text(fds[2], ping);
    expect_status(fds[2], 200);
    for (int i = 0; i < FEW + 2; i++)
        close(fds[i]);
}

static void connections_with_requests_stay(void **state)
{
    int fds[FEW];
    for (int i = 0; i < FEW; i++) {
        fds[i] = http_connect();
        send_text(fds[i], "PUT /key/a HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n"
                          "Expect: 100-continue\r\n\r\n");
        expect_status(fds[i], 100);
    }
    int refused = http_connect(); /* without an answer, as it has not said anything yet */
    assert_true(is_closed(refused));
    close(refused);
    for (int i = 0; i < FEW; i++) {
        send_text(fds[i], "ok");
        expect_status(fds[i], 200);
    }
    int next = http_connect(); /* all of them are idle now */
    send_text(next, ping);
    expect_status(next, 200);
    close(next);
    for (int i = 0; i < FEW; i++)
        close(fds[i]);
}

static void websockets_count_as_well(void **state)
{
    int fds[FEW];
    for (int i = 0; i < FEW; i++)
        fds[i] = ws_open();
    int refused = http_connect();
    assert_true(is_closed(refused));
    close(refused);
    for (int i = 0; i < FEW; i++)
        close(fds[i]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(the_oldest_idle_connection_goes_for_a_new_one),
        TEST(connections_with_requests_stay),
        TEST(websockets_count_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
