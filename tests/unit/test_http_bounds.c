/* What clients can make the door hold: memory for what they send and do not read, and connections.
 */
#include "test_http_harness.h"

#include "http/client_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    KIB = 1024,
    MIB = 1024 * KIB,
    HELD_MAX = 4 * MIB,
    FEW = 200, /* connections */
    SHARE = FEW / HTTP_ADDRESSES_MIN,
    KEPT = FEW / HTTP_LOCAL_PART,
};

static const char ping[] = "GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n";

static int answer_of(int fd)
{
    struct response response = receive_response(fd, false);
    int status = response.status;
    response_free(&response);
    return status;
}

/* A connection with a body of which these bytes come, and the last does not. */
static int half_body(size_t bytes)
{
    char head[200], *body = calloc(1, bytes);
    assert_non_null(body);
    int fd = http_connect();
    snprintf(head, sizeof head,
             "PUT /key/a HTTP/1.1\r\nHost: test\r\nContent-Length: %zu\r\n"
             "Expect: 100-continue\r\n\r\n",
             bytes + 1);
    send_text(fd, head);
    int status = answer_of(fd);
    if (status == 100) {
        send_bytes(fd, body, bytes);
    } else {
        assert_int_equal(status, 503);
        close(fd);
        fd = -1;
    }
    free(body);
    return fd;
}

static void wait_for_held(size_t min, size_t max)
{
    for (int i = 0; i < CLIENT_WAIT_MS; i++, usleep(1000)) {
        size_t held = harness_held();
        if (held >= min && held <= max)
            return;
    }
    fail_msg("%zu bytes are held", harness_held());
}

/* ---- Memory ---- */

static void small_requests_have_memory_when_large_ones_have_not(void **state)
{
    harness_set_bounds((struct bounds){.held_max = HELD_MAX});
    int fd = half_body(HELD_MAX / 4 * 3 - 1);
    wait_for_held(HELD_MAX / 4 * 3 - 1, HELD_MAX);
    assert_int_equal(half_body(HTTP_SMALL_BYTES), -1);
    int small = half_body(100);
    assert_true(small >= 0);
    send_text(small, "x");
    assert_int_equal(answer_of(small), 200);
    send_text(fd, "x");
    assert_int_equal(answer_of(fd), 200);
    wait_for_held(0, 0);
    close(small);
    close(fd);
}

/* Bodies that had memory when they began, and not when they came, are dropped and refused. */
static void bodies_share_the_memory(void **state)
{
    enum { COUNT = 4 };
    int fds[COUNT], refused = 0;
    harness_set_bounds((struct bounds){.held_max = HELD_MAX});
    for (int i = 0; i < COUNT; i++) {
        fds[i] = http_connect();
        send_text(fds[i], "PUT /key/a HTTP/1.1\r\nHost: test\r\nContent-Length: 2097152\r\n"
                          "Expect: 100-continue\r\n\r\n");
        assert_int_equal(answer_of(fds[i]), 100);
    }
    char *body = calloc(1, 2 * MIB);
    for (int i = 0; i < COUNT; i++)
        send_bytes(fds[i], body, 2 * MIB - 1);
    assert_true(harness_held() <= HELD_MAX / 4 * 3);
    for (int i = 0; i < COUNT; i++) {
        send_bytes(fds[i], body, 1);
        int status = answer_of(fds[i]);
        assert_true(status == 200 || status == 503);
        refused += status == 503;
        close(fds[i]);
    }
    assert_true(refused >= 1 && refused < COUNT);
    free(body);
    wait_for_held(0, 0);
}

/* Values of one list take 64 KiB as text and some MiB when they are parsed. */
static void parsed_json_counts(void **state)
{
    enum { VALUES = 30000 };
    harness_set_bounds((struct bounds){.held_max = HELD_MAX});
    char *body = malloc(100 + 2 * VALUES);
    char *end = stpcpy(body, "{\"key\":\"a\",\"value\":\"b\",\"more\":[0");
    for (int i = 0; i < VALUES; i++)
        end = stpcpy(end, ",0");
    strcpy(end, "]}");
    expect_error("POST", "/key", "", body, 503, "memory");
    harness_set_bounds((struct bounds){.held_max = 0});
    expect("POST", "/key", "", body, 200, NULL);
    free(body);
    wait_for_held(0, 0);
}

static void answers_count_as_they_are_sent(void **state)
{
    enum { BYTES = 2 * MIB }; /* six times as many in JSON, which no socket takes at once */
    char *value = malloc(BYTES);
    memset(value, 1, BYTES);
    harness_put("a", bytes_of(value, BYTES), S_IFREG | 0644);
    free(value);
    int fd = http_connect();
    send_text(fd, "GET /key/a HTTP/1.1\r\nHost: test\r\n\r\n");
    wait_for_held(6 * BYTES, 7 * BYTES);
    harness_set_bounds((struct bounds){.held_max = HELD_MAX});
    expect_error("GET", "/key/a", "", NULL, 503, "memory");
    assert_int_equal(answer_of(fd), 200);
    wait_for_held(0, 0);
    close(fd);
}

static void put_large(size_t bytes)
{
    char *value = malloc(bytes);
    memset(value, 'v', bytes);
    harness_put("large", bytes_of(value, bytes), S_IFREG | 0644);
    free(value);
}

static void replies_are_made_when_they_are_taken(void **state)
{
    enum { BYTES = 3 * MIB, COUNT = 20 };
    put_large(BYTES);
    fake.answers = FAKE_HELD; /* so that all of them are under way at once */
    int fd = ws_open();
    for (int i = 0; i < COUNT; i++)
        ws_send(fd, "{\"APIRequest\":{\"Get\":\"large\"}}");
    ws_send(fd, "{\"APIRequest\":{\"Get\":\"none\"}}");
    while (fake.held <= COUNT)
        usleep(1000);
    fake.answers = FAKE_LATER;
    for (int i = 0; i < 200; i++, usleep(1000))
        assert_true(harness_held() < CLIENT_QUEUE_BYTES_MAX + BYTES + 100 * KIB);
    for (int i = 0; i < COUNT; i++) {
        size_t len;
        int code;
        char *reply = ws_receive(fd, &len, &code);
        assert_non_null(reply);
        assert_true(len > BYTES);
        free(reply);
    }
    ws_expect(fd, "{\"request\":{\"Get\":\"none\"},\"response\":{\"Get\":{\"key\":\"none\"}}}");
    wait_for_held(0, 0);
    close(fd);
}

static void replies_without_memory_are_errors(void **state)
{
    harness_set_bounds((struct bounds){.held_max = HELD_MAX});
    put_large(3 * MIB + 100 * KIB);
    int fd = ws_open();
    ws_send(fd, "{\"APIRequest\":{\"Get\":\"large\"}}");
    ws_expect(fd,
              "{\"request\":{\"Get\":\"large\"},\"response\":{\"Error\":\"this node holds as much "
              "for its clients as it has memory for: nothing has happened, try again\"}}");
    close(fd);
}

static void messages_share_the_memory(void **state)
{
    harness_set_bounds((struct bounds){.held_max = HELD_MAX});
    char *part = calloc(1, MIB);
    int fd = ws_open();
    for (int i = 0; i < 6; i++) {
        ws_send_frame(fd, i == 0, i == 5, part, MIB);
        if (i == 0)
            wait_for_held(MIB, MIB);
        assert_true(harness_held() <= HELD_MAX / 4 * 3);
    }
    ws_expect(fd,
              "{\"error\":\"this node holds as much for its clients as it has memory for: nothing "
              "has happened, try again\"}");
    wait_for_held(0, 0);
    ws_send(fd, "{\"APIRequest\":{\"Get\":\"none\"}}");
    ws_expect(fd, "{\"request\":{\"Get\":\"none\"},\"response\":{\"Get\":{\"key\":\"none\"}}}");
    free(part);
    close(fd);
}

/* ---- Time ---- */

static void expect_close(int fd, int expected)
{
    size_t len;
    int code;
    assert_null(ws_receive(fd, &len, &code));
    assert_int_equal(code, expected);
    close(fd);
}

static void a_message_has_to_end(void **state)
{
    harness_set_bounds((struct bounds){.body_ms_max = 500});
    int fd = ws_open(), other = ws_open();
    ws_send_frame(fd, 1, false, "{", 1);
    for (int i = 0; i < 40; i++, usleep(50 * 1000)) /* however often a piece of it comes */
        ws_send_frame(fd, 0, false, " ", 1);
    uint8_t byte;
    assert_int_equal(recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT), 1);
    expect_close(fd, 1008);
    ws_send(other, "{\"APIRequest\":{\"Get\":\"none\"}}");
    ws_expect(other, "{\"request\":{\"Get\":\"none\"},\"response\":{\"Get\":{\"key\":\"none\"}}}");
    close(other);
    wait_for_held(0, 0);
}

static void replies_have_to_be_taken(void **state)
{
    enum { COUNT = 10 };
    put_large(3 * MIB);
    int fd = ws_open();
    for (int i = 0; i < COUNT; i++)
        ws_send(fd, "{\"APIRequest\":{\"Get\":\"large\"}}");
    wait_for_held(1, SIZE_MAX);
    harness_set_bounds((struct bounds){.idle_ms_max = 100});
    wait_for_held(0, 0);
    close(fd);
}

/* Who keeps what others need has less time. */
static void stalled_clients_are_closed_when_memory_is_short(void **state)
{
    int patient = half_body(HELD_MAX / 8);
    harness_set_bounds((struct bounds){.held_max = HELD_MAX, .pressed_ms = 100});
    int fd = half_body(HELD_MAX / 2 + KIB);
    assert_true(is_closed(fd));
    assert_true(is_closed(patient));
    wait_for_held(0, 0);
    patient = half_body(HELD_MAX / 8);
    usleep(1500 * 1000); /* in which the door looks once */
    send_text(patient, "x");
    assert_int_equal(answer_of(patient), 200);
    close(patient);
    close(fd);
}

/* ---- Connections ---- */

/* Connections that have a request under way. */
static void open_busy(const char *from, int fds[], int count)
{
    harness_set_from(from);
    for (int i = 0; i < count; i++) {
        fds[i] = half_body(1);
        assert_true(fds[i] >= 0);
    }
}

static void expect_refused(const char *from)
{
    harness_set_from(from);
    int fd = http_connect();
    assert_true(is_closed(fd));
    close(fd);
}

static int expect_served(const char *from)
{
    harness_set_from(from);
    int fd = http_connect();
    send_text(fd, ping);
    assert_int_equal(answer_of(fd), 200);
    return fd;
}

static void close_all(int fds[], int count)
{
    while (count > 0)
        close(fds[--count]);
}

static void an_address_has_a_share_of_the_connections(void **state)
{
    static int fds[SHARE];
    harness_set_bounds((struct bounds){.connections_max = FEW});
    int idle = expect_served("10.0.0.2");
    open_busy("10.0.0.1", fds, SHARE - 1);
    int own = expect_served("10.0.0.1");
    int next = expect_served("10.0.0.1"); /* for which its own idle one goes, not the older */
    assert_true(is_closed(own));
    send_text(idle, ping);
    assert_int_equal(answer_of(idle), 200);
    close(own);
    own = half_body(1);
    assert_true(is_closed(next));
    expect_refused("10.0.0.1");
    close(expect_served("10.0.0.3"));
    close_all(fds, SHARE - 1);
    close(own);
    close(next);
    close(idle);
}

static void some_connections_are_for_this_machine(void **state)
{
    static int fds[FEW];
    harness_set_bounds((struct bounds){.connections_max = FEW});
    int local = expect_served("127.0.0.1");
    open_busy("10.0.0.1", fds, SHARE);
    open_busy("10.0.0.2", fds + SHARE, FEW - KEPT - SHARE - 1);
    expect_refused("10.0.0.3");
    send_text(local, ping); /* it is idle, and did not go */
    assert_int_equal(answer_of(local), 200);
    close(expect_served("127.0.0.1"));
    close(local);
    close_all(fds, FEW - KEPT - 1);
}

/* At the limit as well, not only when descriptors are short. */
static void idle_connections_go_at_the_limit(void **state)
{
    static int fds[FEW];
    harness_set_bounds((struct bounds){.connections_max = FEW});
    for (int i = 0; i < FEW; i++)
        fds[i] = expect_served(i % 2 ? "127.0.0.1" : "127.0.0.2");
    int next = expect_served("127.0.0.3");
    assert_true(is_closed(fds[0]));
    close(next);
    close_all(fds, FEW);
}

static int ask_for_websocket(int *fd)
{
    *fd = http_connect();
    send_text(*fd, "GET /client HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\n"
                   "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    struct response response = receive_response(*fd, true);
    response_free(&response);
    return response.status;
}

static void an_address_has_a_share_of_the_websockets(void **state)
{
    enum { OF_ONE = HTTP_WEBSOCKETS_MAX / HTTP_ADDRESSES_MIN };
    static int fds[OF_ONE];
    int other;
    harness_set_from("10.0.0.1");
    for (int i = 0; i < OF_ONE; i++)
        assert_int_equal(ask_for_websocket(&fds[i]), 101);
    assert_int_equal(ask_for_websocket(&other), 503);
    close(other);
    harness_set_from("10.0.0.2");
    assert_int_equal(ask_for_websocket(&other), 101);
    close(other);
    close_all(fds, OF_ONE);
}

/* The connections of the test before are gone. */
static int begin(void **state)
{
    while (harness_connections() > 0)
        usleep(1000);
    return harness_reset(state);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
    const struct CMUnitTest tests[] = {
        TEST(small_requests_have_memory_when_large_ones_have_not),
        TEST(bodies_share_the_memory),
        TEST(parsed_json_counts),
        TEST(answers_count_as_they_are_sent),
        TEST(replies_are_made_when_they_are_taken),
        TEST(replies_without_memory_are_errors),
        TEST(messages_share_the_memory),
        TEST(a_message_has_to_end),
        TEST(replies_have_to_be_taken),
        TEST(stalled_clients_are_closed_when_memory_is_short),
        TEST(an_address_has_a_share_of_the_connections),
        TEST(some_connections_are_for_this_machine),
        TEST(idle_connections_go_at_the_limit),
        TEST(an_address_has_a_share_of_the_websockets),
    };
    return cmocka_run_group_tests(tests, harness_start, harness_stop);
}
