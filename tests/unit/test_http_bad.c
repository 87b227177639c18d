/* Mistakes of clients, by accident or on purpose: each has its answer, and the server goes on. */
#include "test_http_harness.h"

#include "http/http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MANY = 1000 };

static void expect_alive(void)
{
    expect("GET", "/healthz", "", NULL, 200, "{\"healthy\":true}");
}

static void malformed_json_is_refused(void **state)
{
    static const struct {
        const char *body, *text;
    } rows[] = {
        {"", "malformed JSON at byte 0"},
        {"{", "malformed JSON"},
        {"{\"key\":\"a\",\"value\":\"b\"} x", "malformed JSON at byte 24"},
        {"{\"key\":\"a\",\"value\":\"b\"", "malformed JSON"},
        {"[]", "not a list"},
        {"\"a\"", "not a string"},
        {"null", "not null"},
        {"{}", "\\\"key\\\" is missing"},
        {"{\"key\":\"a\"}", "\\\"value\\\" is missing"},
        {"{\"value\":\"a\"}", "\\\"key\\\" is missing"},
        {"{\"key\":1,\"value\":\"b\"}", "\\\"key\\\" must be a string, not a number"},
        {"{\"key\":\"a\",\"value\":1}", "\\\"value\\\" must be a string, not a number"},
        {"{\"key\":\"a\",\"value\":null}", "not null"},
        {"{\"key\":\"a\",\"value\":{}}", "not an object"},
        {"{\"key\":\"a\",\"key\":\"b\",\"value\":\"\"}", "\\\"key\\\" is given twice"},
        {"{\"key\":\"a\",\"value\":\"\",\"value_base64\":\"\"}", "only one of"},
        {"{\"key\":\"a\",\"value_base64\":\"A\"}", "is not base64"},
        {"{\"key\":\"a\",\"value_base64\":\"A=AA\"}", "is not base64"},
        {"{\"key\":\"a\",\"value_base64\":\"====\"}", "is not base64"},
        {"{\"key\":\"a\",\"value\":\"x\\u0000y\"}", "value_base64"},
        {"{\"key\":\"a\\u0000\",\"value\":\"xy\"}", "\\\\u0000"},
        {"{\"key\":\"a\",\"value\":\"\xff\"}", "not UTF-8"},
        {"{\"key\":\"a\",\"value\":\"\xed\xa0\x80\"}", "not UTF-8"},
        {"{\"key\":\"a\",\"value\":\"\\ud800\"}", "malformed JSON"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect_error("POST", "/key", "", rows[i].body, 400, rows[i].text);
    /* This one is fine: the backslash is what is escaped. */
    expect("POST", "/key", "", "{\"key\":\"a\",\"value\":\"\\\\u0000\"}", 200,
           "{\"Single\":{\"key\":\"a\",\"value\":\"\\\\u0000\"}}");
}

static char *repeated(const char *open, const char *text, size_t count, const char *close_text)
{
    size_t len = strlen(text);
    char *all = malloc(strlen(open) + len * count + strlen(close_text) + 1);
    assert_non_null(all);
    char *at = stpcpy(all, open);
    for (size_t i = 0; i < count; i++, at += len)
        memcpy(at, text, len);
    strcpy(at, close_text);
    return all;
}

static void expect_bad_list(char *body, int status, const char *text)
{
    expect_error("POST", "/keys", "", body, status, text);
    free(body);
}

static void malformed_lists_are_refused(void **state)
{
    expect_error("POST", "/keys", "", "[]", 400, "{\"Multiple\":[{\"error\":\"the list is empty");
    expect_error("POST", "/keys", "", "{\"key\":\"a\",\"value\":\"b\"}", 400, "not an object");
    expect_error("POST", "/keys", "", "[\"a\"]", 400, "member 1: ");
    expect_error("POST", "/keys", "",
                 "[{\"key\":\"a\",\"value\":\"\"},{\"key\":\"a\",\"value\":\"\"}]", 400,
                 "the key \\\"a\\\" is given twice");
    expect_error("GET", "/keys", "", "[\"a\",2]", 400, "member 2 must be a key");
    expect_error("DELETE", "/keys", "", "[\"a\",\"b\",\"a\"]", 400, "given twice");
    expect_error("DELETE", "/keys", "", "[]", 400, "empty");
    expect_error("DELETE", "/keys", "", NULL, 400, "malformed JSON");
    expect_error("DELETE", "/keys", "", "[\"a\",\"b/../c\"]", 400, "\"key\":\"b/../c\"");
    expect_error("GET", "/keys", "", "[\".quorumfs\"]", 403, "reserved");
    expect("GET", "/keys", "", "[\"a\",\"a\"]", 200, NULL);
    expect_bad_list(repeated("[", "[", 1500, "]"), 400, "malformed");
    expect_bad_list(repeated("[", "{},", 70000, "{}]"), 413, "values");
    expect_bad_list(repeated("[", "{\"key\":\"a\",\"value\":\"b\"},", COMMAND_OPS_MAX,
                             "{\"key\":\"a\",\"value\":\"b\"}]"),
                    413, "at most");
    expect_alive();
}

static void malformed_keys_are_refused(void **state)
{
    static const struct {
        const char *path;
        int status;
        const char *text;
    } rows[] = {
        {"/key/", 400, "empty"},
        {"/key//a", 400, "empty"},
        {"/key/a/", 400, "slash"},
        {"/key/a//b", 400, "empty"},
        {"/key/.", 400, "'.'"},
        {"/key/a/../b", 400, "'..'"},
        {"/key/%2e%2e", 400, "'..'"},
        {"/key/a%00b", 400, "NUL"},
        {"/key/%00", 400, "NUL"},
        {"/key/a%zz", 400, "%"},
        {"/key/a%2", 400, "%"},
        {"/key/.quorumfs", 403, "reserved"},
        {"/key/.quorumfs/status", 403, "reserved"},
        {"/key/%2equorumfs", 403, "reserved"},
        {"/key/a?x=1", 400, "unknown query parameter \\\"x\\\""},
        {"/key/a?%ff", 400, "unknown query parameter \\\"?\\\""},
        {"/keys?limit=0", 400, "limit must be"},
        {"/keys?limit=10001", 400, "limit must be"},
        {"/keys?limit=99999999999999999999", 400, "limit must be"},
        {"/keys?limit=-1", 400, "limit must be"},
        {"/keys?limit=", 400, "limit must be"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect_error("GET", rows[i].path, "", NULL, rows[i].status, rows[i].text);
    expect("GET", "/key/a/.quorumfs", "", NULL, 404, NULL);
    expect_error("PUT", "/key/a/..", "", "x", 400, "'..'");
    expect_error("DELETE", "/key/.quorumfs", "", NULL, 403, "reserved");
    expect_error("POST", "/key", "", "{\"key\":\"\",\"value\":\"\"}", 400, "empty");
    expect_error("POST", "/key", "", "{\"key\":\".quorumfs/x\",\"value\":\"\"}", 403, "reserved");
}

static void keys_that_are_too_long_are_refused(void **state)
{
    char *name = repeated("/key/", "n", 255, "");
    expect("PUT", name, "", "x", 200, NULL);
    free(name);
    name = repeated("/key/", "n", 256, "");
    expect_error("PUT", name, "", "x", 414, "255 bytes");
    free(name);
    name = repeated("/key/", "%6E/", 2047, "n"); /* 4,095 bytes once it is decoded */
    expect("PUT", name, "", "x", 200, NULL);
    free(name);
    name = repeated("/key/", "n/", 2047, "nn");
    expect_error("PUT", name, "", "x", 414, "4095 bytes");
    free(name);
    char *body = repeated("{\"key\":\"", "n", 256, "\",\"value\":\"\"}");
    expect_error("POST", "/key", "", body, 400, "255 bytes");
    free(body);
    char *uri = repeated("/key/", "n", 100000, "");
    int fd = http_connect();
    send_text(fd, "GET ");
    send_text(fd, uri);
    send_text(fd, " HTTP/1.1\r\nHost: test\r\n\r\n");
    struct response response = receive_response(fd, false);
    assert_true(response.status == 414 || response.status == 431);
    response_free(&response);
    close(fd);
    free(uri);
    expect_alive();
}

static void unknown_paths_and_methods_are_refused(void **state)
{
    expect_error("GET", "/", "", NULL, 404, "no such path");
    expect_error("GET", "/keyring", "", NULL, 404, "no such path");
    expect_error("POST", "/keys/", "", "[]", 404, "no such path");
    struct response response = request("POST", "/key/a", "", "x");
    assert_int_equal(response.status, 405);
    assert_string_equal(response_header(&response, "Allow"), "GET, HEAD, PUT, DELETE, OPTIONS");
    assert_string_equal(response.body,
                        "{\"Single\":{\"error\":\"this path does not have that method; it has "
                        "GET, HEAD, PUT, DELETE, OPTIONS\"}}");
    response_free(&response);
    response = request("GET", "/key", "", NULL);
    assert_int_equal(response.status, 405);
    assert_string_equal(response_header(&response, "Allow"), "POST, OPTIONS");
    response_free(&response);
    response = request("PATCH", "/keys", "", "[]");
    assert_string_equal(response_header(&response, "Allow"), "GET, HEAD, POST, DELETE, OPTIONS");
    response_free(&response);
}

/* The text of a 404 and the methods of a 405 follow from the list of routes. */
static void an_unknown_path_is_told_the_paths(void **state)
{
    expect(
        "GET", "/", "", NULL, 404,
        "{\"Single\":{\"error\":\"there is no such path; the paths are /key/K, /key, /keys, /txn, "
        "/lease, /lease/ID, /leases, "
        "/watch, /tokens, /tokens/ID, /locks, /ping, /status, /healthz, /readyz, /metrics, "
        "/client, /omnipax\"}}");
}

static void forbidden_clients_are_refused(void **state)
{
    fake.clients_forbidden = true;
    expect_error("GET", "/healthz", "", NULL, 403, "{\"Single\":{\"error\":");
    expect_error("PUT", "/key/a", "", "x", 403, "clients");
    int fd = http_connect();
    send_text(fd, "GET /client HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\n"
                  "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                  "Sec-WebSocket-Version: 13\r\n\r\n");
    struct response response = receive_response(fd, false);
    assert_int_equal(response.status, 403);
    response_free(&response);
    close(fd);
}

static void upgrade_from(const char *origin, int status)
{
    char head[400];
    int fd = http_connect();
    snprintf(head, sizeof head,
             "GET /client HTTP/1.1\r\nHost: test:1\r\nUpgrade: websocket\r\nOrigin: %s\r\n"
             "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
             "Sec-WebSocket-Version: 13\r\n\r\n",
             origin);
    send_text(fd, head);
    struct response response = receive_response(fd, status == 101);
    assert_int_equal(response.status, status);
    response_free(&response);
    close(fd);
}

/* As a page in a browser of an allowed machine would send it. */
static void pages_of_other_origins_are_refused(void **state)
{
    expect_error("POST", "/key", "Origin: http://elsewhere.example\r\n",
                 "{\"key\":\"a\",\"value\":\"b\"}", 403, "origin");
    expect_error("GET", "/key/a", "Origin: null\r\n", NULL, 403, "origin");
    struct response response = request("PUT", "/key/a", "Origin: http://TEST\r\n", "b");
    assert_int_equal(response.status, 200);
    response_free(&response);
    upgrade_from("http://elsewhere.example", 403);
    upgrade_from("null", 403);
    upgrade_from("http://test:1", 101);
}

/* ---- Bodies ---- */

static void expect_status(int fd, int status)
{
    struct response response = receive_response(fd, false);
    assert_int_equal(response.status, status);
    response_free(&response);
}

static void an_announced_body_that_is_too_large_is_refused(void **state)
{
    char head[200];
    int fd = http_connect();
    snprintf(
        head, sizeof head,
        "PUT /key/a HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n",
        HTTP_BODY_BYTES_MAX + 1);
    send_text(fd, head);
    expect_status(fd, 413); /* and no 100 */
    assert_true(is_closed(fd));
    close(fd);
    fd = http_connect();
    send_text(fd, "POST /key HTTP/1.1\r\nHost: test\r\nContent-Length: 99999999999999\r\n\r\n");
    expect_status(fd, 413);
    close(fd);
}

/* A client that sends all of it before it looks at the answer still finds the answer. */
static void a_body_that_grows_too_large_is_refused(void **state)
{
    size_t len = HTTP_BODY_BYTES_MAX + 1;
    char *body = calloc(1, len);
    char head[200];
    assert_non_null(body);
    int fd = http_connect();
    snprintf(head, sizeof head, "PUT /key/a HTTP/1.1\r\nHost: test\r\nContent-Length: %zu\r\n\r\n",
             len);
    send_text(fd, head);
    send_bytes(fd, body, len);
    expect_status(fd, 413);
    assert_true(is_closed(fd));
    close(fd);
    free(body);
}

/* The connection ends, and is not reset: a reset could overtake the answer. */
static void an_early_answer_is_not_overtaken(void **state)
{
    static char body[100 * 1000];
    char byte;
    int fd = http_connect();
    send_text(fd, "PUT /key/a HTTP/1.1\r\nHost: test\r\nContent-Length: 9999999\r\n\r\n");
    send_bytes(fd, body, sizeof body);
    expect_status(fd, 413);
    send_bytes(fd, body, sizeof body);
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    close(fd);
}

static void send_chunk(int fd, const void *data, size_t len)
{
    char size[32];
    snprintf(size, sizeof size, "%zx\r\n", len);
    send_text(fd, size);
    send_bytes(fd, data, len);
    send_text(fd, "\r\n");
}

static void chunked_bodies_are_read_up_to_the_limit(void **state)
{
    static char block[1024 * 1024];
    int fd = http_connect();
    send_text(fd, "PUT /key/a HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 9; i++)
        send_chunk(fd, block, sizeof block);
    send_text(fd, "0\r\n\r\n");
    expect_status(fd, 413);
    send_text(fd, "PUT /key/a HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n");
    send_chunk(fd, "ab", 2);
    send_chunk(fd, "c", 1);
    send_text(fd, "0\r\n\r\n");
    expect_status(fd, 200);
    close(fd);
    expect("GET", "/key/a", "Accept: application/octet-stream\r\n", NULL, 200, "abc");
    fd = http_connect();
    send_text(fd, "PUT /key/a HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    struct response response = receive_response(fd, false);
    assert_int_equal(response.status, 400);
    response_free(&response);
    close(fd);
}

static void expect_continue_is_answered(void **state)
{
    int fd = http_connect();
    send_text(fd, "PUT /key/a HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\n"
                  "Content-Length: 3\r\n\r\n");
    expect_status(fd, 100);
    send_text(fd, "abc");
    expect_status(fd, 200);
    close(fd);
}

/* The request takes no body: it is answered, and the connection lives. */
static void a_needless_body_is_ignored(void **state)
{
    int fd = http_connect();
    for (int i = 0; i < 3; i++) {
        send_text(fd, "GET /key/a HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello");
        struct response response = receive_response(fd, false);
        assert_int_equal(response.status, 404);
        response_free(&response);
    }
    close(fd);
}

/* ---- Connections ---- */

static void garbage_is_refused(void **state)
{
#define BYTES(text)                                                                                \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }
    static const struct bytes texts[] = {
        BYTES("\r\n\r\n\r\n"),
        BYTES("GET\r\n\r\n"),
        BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
        BYTES("GET / HTTP/9.9\r\n\r\n"),
        BYTES("\x00\xff\xfe\xfd\r\n\r\n"),
        BYTES("GET /key/a\0b HTTP/1.1\r\nHost: test\r\n\r\n"),
        BYTES("PUT /key/a HTTP/1.1\r\nHost: test\r\nContent-Length: -1\r\n\r\n"),
        BYTES("PUT /key/a HTTP/1.1\r\nHost: test\r\nContent-Length: ten\r\n\r\n"),
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int fd = http_connect();
        send_bytes(fd, texts[i].data, texts[i].len);
        shutdown(fd, SHUT_WR);
        char answer[4096];
        while (recv(fd, answer, sizeof answer, 0) > 0)
            ;
        close(fd);
    }
    expect_alive();
}

/* Clients that stop in the middle are ended, however slowly they go on. */
static void slow_clients_are_closed_in_time(void **state)
{
    harness_set_body_ms(300);
    int silent = http_connect(), header = http_connect(), body = http_connect();
    int drip = http_connect(), patient = http_connect();
    send_text(header, "GET /key/a HTTP/1.1\r\nHo");
    send_text(body, "PUT /key/a HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhel");
    send_text(patient, "GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n");
    expect_status(patient, 200);
    send_text(drip, "PUT /key/a HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\r\n");
    struct timeval wait = {.tv_usec = 50000};
    setsockopt(drip, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    int drops = 0;
    while (!is_closed(drip) && drops++ < 200)
        send_text(drip, "x");
    assert_true(drops < 200);
    assert_true(is_closed(silent));
    assert_true(is_closed(header));
    assert_true(is_closed(body));
    /* A connection without a request may wait longer. */
    send_text(patient, "GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n");
    expect_status(patient, 200);
    close(silent);
    close(header);
    close(body);
    close(drip);
    close(patient);
}

static void pipeline(void)
{
    int fd = http_connect();
    char text[200];
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text,
                 "PUT /key/p HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\n%03d"
                 "GET /key/p HTTP/1.1\r\nHost: test\r\nAccept: application/octet-stream\r\n\r\n",
                 i);
        send_text(fd, text);
    }
    for (int i = 0; i < 100; i++) {
        expect_status(fd, 200);
        struct response response = receive_response(fd, false);
        assert_int_equal(atoi(response.body), i);
        response_free(&response);
    }
    close(fd);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    pipeline();
    fake.answers = FAKE_LATER;
    pipeline();
}

static void wait_for_held(int count)
{
    while (fake.held != count)
        usleep(1000);
}

/* Clients that go away while their requests wait. */
static void clients_may_leave_while_their_requests_wait(void **state)
{
    fake.answers = FAKE_HELD;
    int left[20], stays = http_connect();
    for (int i = 0; i < 20; i++) {
        left[i] = http_connect();
        send_text(left[i], i % 2
                               ? "GET /key/a HTTP/1.1\r\nHost: test\r\n\r\n"
                               : "PUT /key/a HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\n\r\nx");
    }
    send_text(stays, "GET /ping HTTP/1.1\r\nHost: test\r\n\r\n");
    wait_for_held(22);
    for (int i = 0; i < 20; i++)
        close(left[i]);
    fake.answers = FAKE_LATER;
    expect_status(stays, 200);
    close(stays);
    wait_for_held(0);
    expect_alive();
}

/* A client that sends its request and the end at once gets the answer and the end. */
static void a_half_closed_connection_gets_its_answer(void **state)
{
    for (int i = 0; i < 2; i++) {
        fake.answers = i == 0 ? FAKE_AT_ONCE : FAKE_LATER;
        int fd = http_connect();
        send_text(fd, "GET /key/a HTTP/1.1\r\nHost: test\r\n\r\n");
        shutdown(fd, SHUT_WR);
        expect_status(fd, 404);
        assert_true(is_closed(fd));
        close(fd);
    }
}

/* Idle connections do not disturb others. */
static void idle_connections_do_not_slow_others(void **state)
{
    static int fds[MANY];
    for (int i = 0; i < MANY; i++) {
        fds[i] = http_connect();
        send_text(fds[i], "GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n");
    }
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++) {
            if (round == 1)
                send_text(fds[i], "GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n");
            expect_status(fds[i], 200);
        }
    }
    for (int i = 0; i < MANY; i++)
        close(fds[i]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, harness_reset)
    const struct CMUnitTest tests[] = {
        TEST(malformed_json_is_refused),
        TEST(malformed_lists_are_refused),
        TEST(malformed_keys_are_refused),
        TEST(keys_that_are_too_long_are_refused),
        TEST(unknown_paths_and_methods_are_refused),
        TEST(an_unknown_path_is_told_the_paths),
        TEST(forbidden_clients_are_refused),
        TEST(pages_of_other_origins_are_refused),
        TEST(an_announced_body_that_is_too_large_is_refused),
        TEST(a_body_that_grows_too_large_is_refused),
        TEST(an_early_answer_is_not_overtaken),
        TEST(chunked_bodies_are_read_up_to_the_limit),
        TEST(expect_continue_is_answered),
        TEST(a_needless_body_is_ignored),
        TEST(garbage_is_refused),
        TEST(slow_clients_are_closed_in_time),
        TEST(pipelined_requests_are_answered_in_order),
        TEST(clients_may_leave_while_their_requests_wait),
        TEST(a_half_closed_connection_gets_its_answer),
        TEST(idle_connections_do_not_slow_others),
    };
    return cmocka_run_group_tests(tests, harness_start, harness_stop);
}
