/* The client WebSocket: its table, and its errors. */
#include "test_http_harness.h"

#include "http/client_session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT = 1, BINARY = 2, CONTINUED = 0, PING = 9 };

static void ask(int fd, const char *message, const char *reply)
{
    ws_send(fd, message);
    ws_expect(fd, reply);
}

static void every_request_has_its_reply(void **state)
{
    int fd = ws_open();
    ask(fd, "{\"APIRequest\":{\"Get\":\"duck\"}}",
        "{\"request\":{\"Get\":\"duck\"},\"response\":{\"Get\":{\"key\":\"duck\"}}}");
    ask(fd, "{\"APIRequest\":{\"Put\":{\"key\":\"duck\",\"value\":\"you\"}}}",
        "{\"request\":{\"Put\":{\"key\":\"duck\",\"value\":\"you\"}},"
        "\"response\":{\"Put\":{\"key\":\"duck\",\"value\":\"you\"}}}");
    ask(fd, " { \"APIRequest\" : { \"Get\" : \"duck\" } } ",
        "{\"request\":{\"Get\":\"duck\"},"
        "\"response\":{\"Get\":{\"key\":\"duck\",\"value\":\"you\"}}}");
    ask(fd, "{\"APIRequest\":{\"Put\":{\"key\":\"duck\",\"value\":\"b\"}}}",
        "{\"request\":{\"Put\":{\"key\":\"duck\",\"value\":\"b\"}},"
        "\"response\":{\"Put\":{\"key\":\"duck\",\"value\":\"b\",\"overwritten_val\":\"you\"}}}");
    ask(fd, "{\"APIRequest\":{\"Delete\":\"duck\"}}",
        "{\"request\":{\"Delete\":\"duck\"},"
        "\"response\":{\"Delete\":{\"key\":\"duck\",\"overwritten_val\":\"b\"}}}");
    ask(fd, "{\"APIRequest\":{\"Delete\":\"duck\"}}",
        "{\"request\":{\"Delete\":\"duck\"},\"response\":{\"Delete\":{\"key\":\"duck\"}}}");
    ask(fd, "{\"APIRequest\":{\"Ping\":2}}",
        "{\"request\":{\"Ping\":2},\"response\":{\"Pong\":[2,\"Pinged peer node 2 "
        "successfully\"]}}");
    close(fd);
}

static void an_emptied_value_is_awaited(void **state)
{
    int fd = ws_open();
    static const char get[] = "{\"APIRequest\":{\"Get\":\"empty\"}}";
    harness_put("empty", bytes_of_text(""), S_IFREG | 0644);
    fake.emptied = 2;
    ask(fd, get,
        "{\"request\":{\"Get\":\"empty\"},"
        "\"response\":{\"Get\":{\"key\":\"empty\",\"value\":\"\"}}}");
    assert_int_equal(fake.emptied, 1);
    fake.answers = FAKE_HELD; /* and the client may leave meanwhile */
    ws_send(fd, get);
    while (fake.held == 0)
        usleep(1000);
    close(fd);
    fake.answers = FAKE_LATER;
    while (fake.held > 0)
        usleep(1000);
}

static void each_outcome_has_its_reply(void **state)
{
    int fd = ws_open();
    static const char put[] = "{\"APIRequest\":{\"Put\":{\"key\":\"a\",\"value\":\"b\"}}}";
    fake.write_outcome = fake.read_outcome = REPLICA_NO_QUORUM;
    ask(fd, put,
        "{\"request\":{\"Put\":{\"key\":\"a\",\"value\":\"b\"}},"
        "\"response\":{\"Blocked\":{\"Put\":{\"key\":\"a\",\"value\":\"b\"}}}}");
    ask(fd, "{\"APIRequest\":{\"Get\":\"a\"}}",
        "{\"request\":{\"Get\":\"a\"},\"response\":{\"Error\":\"no quorum\"}}");
    fake.write_outcome = fake.read_outcome = REPLICA_UNSUPPORTED;
    ask(fd, "{\"APIRequest\":{\"Delete\":\"a\"}}",
        "{\"request\":{\"Delete\":\"a\"},\"response\":{\"Error\":\"not every node supports it: "
        "node 3 runs an earlier version\"}}");
    ask(fd, "{\"APIRequest\":{\"Get\":\"a\"}}",
        "{\"request\":{\"Get\":\"a\"},\"response\":{\"Error\":\"not every node supports it: "
        "node 3 runs an earlier version\"}}");
    fake.write_outcome = REPLICA_FULL;
    ask(fd, put,
        "{\"request\":{\"Put\":{\"key\":\"a\",\"value\":\"b\"}},"
        "\"response\":{\"Error\":\"there is no room: delete something\"}}");
    fake.write_outcome = REPLICA_TIMEOUT;
    ask(fd, "{\"APIRequest\":{\"Delete\":\"a\"}}",
        "{\"request\":{\"Delete\":\"a\"},\"response\":{\"Error\":\"no answer in time: the outcome "
        "is unknown; the change may have happened, or may still happen\"}}");
    fake.write_outcome = REPLICA_DONE;
    fake.write_status = -ENOTDIR;
    ask(fd, "{\"APIRequest\":{\"Delete\":\"a\"}}",
        "{\"request\":{\"Delete\":\"a\"},\"response\":{\"Error\":\"a parent of the key is a "
        "file, so nothing can lie below it\"}}");
    fake.peer_unreachable = true;
    ask(fd, "{\"APIRequest\":{\"Ping\":3}}",
        "{\"request\":{\"Ping\":3},\"response\":{\"Pong\":[3,\"Peer node 3 did not answer\"]}}");
    ask(fd, "{\"APIRequest\":{\"Ping\":9}}",
        "{\"request\":{\"Ping\":9},\"response\":{\"Error\":\"this node has no peer of that "
        "number\"}}");
    close(fd);
}

static void values_may_be_any_bytes(void **state)
{
    int fd = ws_open();
    ask(fd, "{\"APIRequest\":{\"Put\":{\"key\":\"a\",\"value_base64\":\"/wA=\"}}}",
        "{\"request\":{\"Put\":{\"key\":\"a\",\"value_base64\":\"/wA=\"}},"
        "\"response\":{\"Put\":{\"key\":\"a\",\"value_base64\":\"/wA=\"}}}");
    ask(fd, "{\"APIRequest\":{\"Put\":{\"key\":\"a\",\"value\":\"\"}}}",
        "{\"request\":{\"Put\":{\"key\":\"a\",\"value\":\"\"}},"
        "\"response\":{\"Put\":{\"key\":\"a\",\"value\":\"\",\"overwritten_val_base64\":\"/"
        "wA=\"}}}");
    close(fd);
}

static void malformed_messages_are_refused(void **state)
{
    static const char *const messages[] = {
        "",
        "{",
        "hello",
        "[]",
        "1",
        "{}",
        "{\"APIRequest\":1}",
        "{\"APIRequest\":{}}",
        "{\"APIRequest\":{\"Get\":\"a\",\"Put\":\"b\"}}",
        "{\"APIRequest\":{\"Fetch\":\"a\"}}",
        "{\"APIRequest\":{\"Get\":1}}",
        "{\"APIRequest\":{\"Get\":\"\"}}",
        "{\"APIRequest\":{\"Get\":\"../a\"}}",
        "{\"APIRequest\":{\"Get\":\".quorumfs/status\"}}",
        "{\"APIRequest\":{\"Put\":\"a\"}}",
        "{\"APIRequest\":{\"Put\":{\"key\":\"a\"}}}",
        "{\"APIRequest\":{\"Put\":{\"key\":\"a\",\"value\":7}}}",
        "{\"APIRequest\":{\"Put\":{\"key\":\"a\",\"value\":\"\\u0000\"}}}",
        "{\"APIRequest\":{\"Delete\":null}}",
        "{\"APIRequest\":{\"Ping\":\"2\"}}",
        "{\"APIRequest\":{\"Ping\":-1}}",
        "{\"APIRequest\":{\"Ping\":1e99}}",
        "{\"APIRequest\":{\"Ping\":1.5}}",
        "\xff\xfe",
    };
    int fd = ws_open();
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        size_t len;
        int code;
        ws_send(fd, messages[i]);
        char *reply = ws_receive(fd, &len, &code);
        assert_non_null(reply);
        assert_memory_equal(reply, "{\"error\":\"", 10);
        free(reply);
    }
    ask(fd, "{\"APIRequest\":{\"Ping\":2}}",
        "{\"request\":{\"Ping\":2},\"response\":{\"Pong\":[2,\"Pinged peer node 2 "
        "successfully\"]}}");
    close(fd);
}

static void fragments_make_one_message(void **state)
{
    int fd = ws_open();
    static const char message[] = "{\"APIRequest\":{\"Get\":\"duck\"}}";
    for (size_t i = 0; i + 1 < sizeof message; i++) {
        bool last = i + 2 == sizeof message;
        ws_send_frame(fd, i == 0 ? TEXT : CONTINUED, last, message + i, 1);
    }
    ws_expect(fd, "{\"request\":{\"Get\":\"duck\"},\"response\":{\"Get\":{\"key\":\"duck\"}}}");
    ws_send_frame(fd, BINARY, true, message, sizeof message - 1);
    ws_expect(fd, "{\"request\":{\"Get\":\"duck\"},\"response\":{\"Get\":{\"key\":\"duck\"}}}");
    close(fd);
}

/* `{"APIRequest":{"Put":{"key":"large","value":"vvv..."}}}` with `value_len` bytes of value. */
static char *put_message(size_t value_len, size_t *len)
{
    static const char head[] = "{\"APIRequest\":{\"Put\":{\"key\":\"large\",\"value\":\"";
    *len = strlen(head) + value_len + strlen("\"}}}");
    char *message = malloc(*len + 1);
    assert_non_null(message);
    memset(stpcpy(message, head), 'v', value_len);
    strcpy(message + strlen(head) + value_len, "\"}}}");
    return message;
}

/* A long message is read as a job; what comes behind it must not overtake it. */
static void messages_are_carried_out_in_their_order(void **state)
{
    static const char last[] = "{\"APIRequest\":{\"Put\":{\"key\":\"large\",\"value\":\"last\"}}}";
    static const char get[] = "{\"APIRequest\":{\"Get\":\"large\"}}";
    static const char echo[] = "{\"request\":{\"Put\":{\"key\":\"large\",\"value\":\"last\"";
    int fd = ws_open();
    size_t len, reply_len;
    int code;
    char *message = put_message(1000000, &len);
    for (int i = 0; i < 3; i++) {
        ws_send_frame(fd, TEXT, true, message, len);
        ws_send_frame(fd, TEXT, true, last, strlen(last));
    }
    free(message);
    for (int i = 0; i < 6; i++) {
        char *reply = ws_receive(fd, &reply_len, &code);
        assert_non_null(reply);
        assert_int_equal(strncmp(reply, echo, strlen(echo)) == 0, i % 2 == 1);
        free(reply);
    }
    ws_send_frame(fd, TEXT, true, get, strlen(get));
    char *reply = ws_receive(fd, &reply_len, &code);
    assert_non_null(reply);
    assert_non_null(strstr(reply, "\"value\":\"last\""));
    free(reply);
    close(fd);
}

static void large_messages_pass_up_to_the_limit(void **state)
{
    int fd = ws_open();
    size_t len, reply_len;
    int code;
    char *message = put_message(VALUE_BYTES_MAX, &len);
    ws_send_frame(fd, TEXT, true, message, len);
    free(message);
    char *reply = ws_receive(fd, &reply_len, &code);
    assert_non_null(reply);
    assert_true(reply_len > 2 * (size_t)VALUE_BYTES_MAX);
    free(reply);
    message = put_message(VALUE_BYTES_MAX + 100000, &len);
    ws_send_frame(fd, TEXT, true, message, len);
    free(message);
    reply = ws_receive(fd, &reply_len, &code);
    assert_non_null(strstr(reply, "\"Error\":\"the value is too large\""));
    free(reply);
    message = put_message(CLIENT_MESSAGE_BYTES_MAX, &len);
    ws_send_frame(fd, TEXT, true, message, len);
    free(message);
    ws_expect(fd, "{\"error\":\"the message is too large; the connection is closed\"}");
    assert_null(ws_receive(fd, &reply_len, &code));
    assert_int_equal(code, 1009);
    close(fd);
}

static void get_many(int fd, int count)
{
    char text[200];
    for (int i = 0; i < count; i++) {
        snprintf(text, sizeof text, "{\"APIRequest\":{\"Get\":\"k%d\"}}", i);
        ws_send(fd, text);
    }
    for (int i = 0; i < count; i++) {
        snprintf(text, sizeof text,
                 "{\"request\":{\"Get\":\"k%d\"},\"response\":{\"Get\":{\"key\":\"k%d\"}}}", i, i);
        ws_expect(fd, text);
    }
}

/* Many more than may be in flight at once; the answers come in order. */
static void pipelined_messages_are_answered_in_order(void **state)
{
    int fd = ws_open();
    get_many(fd, 1000);
    fake.answers = FAKE_LATER;
    get_many(fd, 1000);
    close(fd);
}

static void wait_for_held(int count)
{
    while (fake.held != count)
        usleep(1000);
}

static void requests_in_flight_have_a_limit(void **state)
{
    fake.answers = FAKE_HELD;
    int fd = ws_open();
    static const char get[] = "{\"APIRequest\":{\"Get\":\"a\"}}";
    for (int i = 0; i < 4 * CLIENT_IN_FLIGHT_MAX; i++)
        ws_send(fd, get);
    while (fake.held < CLIENT_IN_FLIGHT_MAX)
        usleep(1000);
    usleep(50000);
    assert_true(fake.held < 4 * CLIENT_IN_FLIGHT_MAX);
    fake.answers = FAKE_LATER;
    for (int i = 0; i < 4 * CLIENT_IN_FLIGHT_MAX; i++)
        ws_expect(fd, "{\"request\":{\"Get\":\"a\"},\"response\":{\"Get\":{\"key\":\"a\"}}}");
    close(fd);
}

/* Connections that end while the replica holds their requests. */
static void a_client_may_leave_while_its_requests_wait(void **state)
{
    fake.answers = FAKE_HELD;
    for (int i = 0; i < 10; i++) {
        int fd = ws_open();
        ws_send(fd, "{\"APIRequest\":{\"Get\":\"a\"}}");
        ws_send(fd, "{\"APIRequest\":{\"Delete\":\"a\"}}");
        ws_send(fd, "{\"APIRequest\":{\"Ping\":2}}");
        wait_for_held(3 * i + 3);
        close(fd);
    }
    usleep(20000);
    fake.answers = FAKE_LATER;
    wait_for_held(0);
    int fd = ws_open();
    get_many(fd, 1);
    close(fd);
}

/* One more than there may be is told so. */
static void sessions_beyond_the_limit_are_refused(void **state)
{
    static int fds[HTTP_WEBSOCKETS_MAX + 1];
    int count = 0;
    struct response response = {.status = 101};
    while (response.status == 101) {
        assert_true(count <= HTTP_WEBSOCKETS_MAX);
        fds[count] = http_connect();
        send_text(fds[count], "GET /client HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\n"
                              "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
        response = receive_response(fds[count++], true);
        response_free(&response);
    }
    assert_int_equal(response.status, 503);
    assert_true(count > HTTP_WEBSOCKETS_MAX / 2);
    while (count > 0)
        close(fds[--count]);
}

static void a_plain_request_is_no_websocket(void **state)
{
    int fd = http_connect();
    send_text(fd, "GET /client HTTP/1.1\r\nHost: test\r\n\r\n");
    struct response response = receive_response(fd, true);
    assert_int_equal(response.status, 400);
    response_free(&response);
    close(fd);
    expect_error("GET", "/client", "", NULL, 400, "ask for an upgrade");
    fd = ws_open(); /* bytes that are no frame */
    send_text(fd, "GET /client HTTP/1.1\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
    size_t len;
    int code;
    assert_null(ws_receive(fd, &len, &code));
    assert_int_equal(code, 1002);
    close(fd);
    fd = http_connect(); /* half a handshake */
    send_text(fd, "GET /client HTTP/1.1\r\nUpgr");
    close(fd);
    fd = ws_open();
    ws_send_frame(fd, PING, true, "x", 1);
    get_many(fd, 0);
    close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, harness_reset)
    const struct CMUnitTest tests[] = {
        TEST(every_request_has_its_reply),
        TEST(an_emptied_value_is_awaited),
        TEST(each_outcome_has_its_reply),
        TEST(values_may_be_any_bytes),
        TEST(malformed_messages_are_refused),
        TEST(fragments_make_one_message),
        TEST(messages_are_carried_out_in_their_order),
        TEST(large_messages_pass_up_to_the_limit),
        TEST(pipelined_messages_are_answered_in_order),
        TEST(requests_in_flight_have_a_limit),
        TEST(a_client_may_leave_while_its_requests_wait),
        TEST(a_plain_request_is_no_websocket),
        TEST(sessions_beyond_the_limit_are_refused),
    };
    return cmocka_run_group_tests(tests, harness_start, harness_stop);
}
