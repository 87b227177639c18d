/* GET /watch before a fake replica: what is sent, when it ends, and what it costs. */
#include "test_http_harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Reads until the text has come; fails if the server closes before. */
struct stream {
    int fd;
    char text[65536];
    size_t len;
};

static void read_until(struct stream *s, const char *text)
{
    while (!strstr(s->text, text)) {
        ssize_t got = recv(s->fd, s->text + s->len, sizeof s->text - 1 - s->len, 0);
        if (got <= 0)
            fail_msg("'%s' instead of '%s'", s->text, text);
        s->len += (size_t)got;
        s->text[s->len] = 0;
    }
}

static void stream_open(struct stream *s, const char *query, const char *headers)
{
    char text[512];
    *s = (struct stream){.fd = http_connect()};
    snprintf(text, sizeof text, "GET /watch%s HTTP/1.1\r\nHost: test\r\n%s\r\n", query, headers);
    send_text(s->fd, text);
}

static void put(const char *key, const char *value)
{
    char path[64];
    snprintf(path, sizeof path, "/key/%s", key);
    struct response response = request("PUT", path, "", value);
    assert_int_equal(response.status, 200);
    response_free(&response);
}

static void events_are_sent_as_they_come(void **state)
{
    static struct stream s;
    stream_open(&s, "?prefix=a", "");
    read_until(&s, "\r\n\r\n: after revision 0\n\n");
    assert_non_null(strstr(s.text, "HTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(s.text, "Content-Type: text/event-stream\r\n"));
    assert_non_null(strstr(s.text, "Connection: close\r\n"));
    assert_null(strstr(s.text, "Content-Length"));
    put("a/1", "x");
    put("b", "x");
    put("a/1", "\"y\"");
    struct response response = request("DELETE", "/key/a/1", "", "");
    response_free(&response);
    read_until(&s,
               "id: 1\nevent: created\ndata: {\"key\":\"a/1\",\"revision\":1,\"value\":\"x\"}\n\n"
               "id: 3\nevent: written\n"
               "data: {\"key\":\"a/1\",\"revision\":3,\"value\":\"\\\"y\\\"\"}\n\n"
               "id: 4\nevent: deleted\ndata: {\"key\":\"a/1\",\"revision\":4}\n\n");
    assert_int_equal(harness_held(), 0); /* it has taken everything */
    close(s.fd);
}

static void a_stream_begins_where_it_is_told_to(void **state)
{
    static struct stream s;
    put("a", "1");
    put("a", "2");
    put("a", "3");
    stream_open(&s, "?since=1", "");
    read_until(&s, ": after revision 1\n\nid: 2\n");
    close(s.fd);
    stream_open(&s, "?since=1", "Last-Event-ID: 2\r\n");
    read_until(&s, ": after revision 2\n\nid: 3\n");
    close(s.fd);
    stream_open(&s, "", "Last-Event-ID: +2\r\n");
    read_until(&s, ": after revision 1\n\nid: 2\n");
    close(s.fd);
}

static void a_large_value_is_left_out(void **state)
{
    static struct stream s;
    static char large[4098];
    memset(large, 'x', 4097);
    stream_open(&s, "", "");
    read_until(&s, ": after");
    put("large", large);
    read_until(&s, "data: {\"key\":\"large\",\"revision\":1}\n");
    large[4096] = 0;
    put("small", large);
    read_until(&s, "data: {\"key\":\"small\",\"revision\":2,\"value\":\"xxxx");
    close(s.fd);
}

static void a_long_poll_is_answered_once(void **state)
{
    put("a", "1");
    put("b", "2");
    expect("GET", "/watch?wait=10s&since=1&prefix=b", "", "", 200,
           "{\"Watch\":{\"events\":[{\"event\":\"created\",\"key\":\"b\",\"revision\":2,"
           "\"value\":\"2\"}],\"revision\":2}}");
    expect("GET", "/watch?wait=50ms&since=1&prefix=c", "", "", 200,
           "{\"Watch\":{\"events\":[],\"revision\":2}}");
    int fd = http_connect();
    send_text(fd, "GET /watch?wait=1m HTTP/1.1\r\nHost: test\r\n\r\n");
    while (fake.held > 0)
        usleep(1000);
    usleep(50000);
    put("c", "3");
    struct response response = receive_response(fd, false);
    assert_string_equal(response.body,
                        "{\"Watch\":{\"events\":[{\"event\":\"created\",\"key\":\"c\","
                        "\"revision\":3,\"value\":\"3\"}],\"revision\":3}}");
    response_free(&response);
    close(fd);
}

static void what_cannot_begin_is_refused(void **state)
{
    fake.watches_oldest = 7;
    expect_error("GET", "/watch?since=6", "", "", 410, "not known any more");
    expect_error("GET", "/watch", "Last-Event-ID: +7\r\n", "", 410, "\"lost\":7");
    fake.read_outcome = REPLICA_NO_QUORUM;
    expect_error("GET", "/watch", "", "", 503, "quorum");
    fake.read_outcome = REPLICA_DONE;
    expect_error("GET", "/watch?since=-1", "", "", 400, "since must be");
    expect_error("GET", "/watch?wait=301s", "", "", 400, "wait must be");
    expect_error("GET", "/watch?wait=5h", "", "", 400, "wait must be");
    expect_error("GET", "/watch?wait=", "", "", 400, "wait must be");
    expect_error("GET", "/watch", "Last-Event-ID: x\r\n", "", 400, "Last-Event-ID");
    expect_error("GET", "/watch", "Last-Event-ID: +0\r\n", "", 400, "Last-Event-ID");
    expect_header("HEAD", "/watch", "", "", 200, "Content-Type", "text/event-stream");
}

static void who_reads_nothing_holds_little(void **state)
{
    static struct stream s;
    int small = 4096;
    static char value[4001];
    memset(value, 'v', 4000);
    stream_open(&s, "", "");
    read_until(&s, ": after");
    setsockopt(s.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    for (int i = 0; i < 2000; i++)
        put("k", value);
    assert_in_range(harness_held(), 1, 70000);
    struct bounds bounds = {.idle_ms_max = 500};
    harness_set_bounds(bounds);
    for (int i = 0; i < 100 && harness_held() > 0; i++)
        usleep(100000);
    assert_int_equal(harness_held(), 0); /* it was cut off */
    close(s.fd);
}

/* A client that is there but has nothing to read is none that stalls. */
static void a_quiet_stream_stays(void **state)
{
    static struct stream s;
    struct bounds bounds = {.idle_ms_max = 300, .body_ms_max = 300};
    harness_set_bounds(bounds);
    stream_open(&s, "", "");
    read_until(&s, ": after");
    sleep(3);
    put("late", "1");
    read_until(&s, "\"late\"");
    close(s.fd);
}

static void who_leaves_is_forgotten(void **state)
{
    static struct stream s;
    uint32_t before = harness_connections();
    stream_open(&s, "", "");
    read_until(&s, ": after");
    shutdown(s.fd, SHUT_WR);
    assert_true(is_closed(s.fd));
    close(s.fd);
    stream_open(&s, "", "");
    close(s.fd);
    for (int i = 0; i < 100 && harness_connections() > before; i++)
        usleep(100000);
    assert_int_equal(harness_connections(), before);
    put("k", "v");
}

static void it_says_when_there_is_no_quorum(void **state)
{
    static struct stream s;
    stream_open(&s, "", "");
    read_until(&s, ": after");
    fake.read_outcome = REPLICA_NO_QUORUM;
    read_until(&s, ": this node has no quorum");
    fake.read_outcome = REPLICA_DONE;
    read_until(&s, ": this node has a quorum again");
    close(s.fd);
}

static void a_stop_ends_all_watches(void **state)
{
    static struct stream s;
    stream_open(&s, "", "");
    read_until(&s, ": after");
    int fd = http_connect();
    send_text(fd, "GET /watch?wait=1m HTTP/1.1\r\nHost: test\r\n\r\n");
    usleep(100000);
    harness_stop(state);
    read_until(&s, ": this node is stopping");
    assert_true(is_closed(s.fd));
    struct response response = receive_response(fd, false);
    assert_string_equal(response.body, "{\"Watch\":{\"events\":[],\"revision\":0}}");
    response_free(&response);
    close(fd);
    close(s.fd);
    harness_start(state);
}

/* ---- WebSocket ---- */

#define WATCH_A                                                                                    \
    "{\"request\":{\"Watch\":{\"prefix\":\"a\"}},\"response\":{\"Watch\":{\"prefix\":\"a\","       \
    "\"revision\":"

static void a_websocket_watches(void **state)
{
    int fd = ws_open();
    put("a/1", "x");
    ws_send(fd, "{\"APIRequest\":{\"Watch\":{\"prefix\":\"a\"}}}");
    ws_expect(fd, WATCH_A "1}}}");
    put("b", "x");
    put("a/1", "y");
    ws_expect(fd, "{\"event\":{\"prefix\":\"a\",\"event\":\"written\",\"key\":\"a/1\","
                  "\"revision\":3,\"value\":\"y\"}}");
    ws_send(fd, "{\"APIRequest\":{\"Get\":\"b\"}}");
    ws_expect(fd, "{\"request\":{\"Get\":\"b\"},\"response\":{\"Get\":{\"key\":\"b\","
                  "\"value\":\"x\"}}}");
    ws_send(fd, "{\"APIRequest\":{\"Watch\":{\"prefix\":\"a\"}}}");
    ws_expect(fd, "{\"request\":{\"Watch\":{\"prefix\":\"a\"}},\"response\":{\"Error\":\"this "
                  "connection watches that prefix already\"}}");
    ws_send(fd, "{\"APIRequest\":{\"Unwatch\":\"a\"}}");
    ws_expect(fd,
              "{\"request\":{\"Unwatch\":\"a\"},\"response\":{\"Unwatch\":{\"prefix\":\"a\"}}}");
    put("a/1", "z");
    ws_send(fd, "{\"APIRequest\":{\"Unwatch\":\"a\"}}");
    ws_expect(fd, "{\"request\":{\"Unwatch\":\"a\"},\"response\":{\"Error\":\"this connection "
                  "does not watch that prefix\"}}");
    close(fd);
}

/* The events come behind the reply that says that they will. */
static void a_websocket_begins_in_the_past(void **state)
{
    int fd = ws_open();
    put("a", "1");
    put("a", "2");
    ws_send(fd, "{\"APIRequest\":{\"Watch\":{\"since\":0}}}");
    ws_expect(fd, "{\"request\":{\"Watch\":{\"since\":0}},\"response\":{\"Watch\":{\"prefix\":\"\","
                  "\"revision\":0}}}");
    ws_expect(fd,
              "{\"event\":{\"prefix\":\"\",\"event\":\"created\",\"key\":\"a\",\"revision\":1}}");
    ws_expect(fd, "{\"event\":{\"prefix\":\"\",\"event\":\"written\",\"key\":\"a\","
                  "\"revision\":2,\"value\":\"2\"}}");
    fake.watches_oldest = 3;
    ws_send(fd, "{\"APIRequest\":{\"Watch\":{\"prefix\":\"z\",\"since\":2}}}");
    ws_expect(fd, "{\"request\":{\"Watch\":{\"prefix\":\"z\",\"since\":2}},\"response\":{\"Error\":"
                  "\"changes up to revision 3 are not known any more\"}}");
    ws_send(fd, "{\"APIRequest\":{\"Watch\":{\"other\":2}}}");
    ws_expect(fd, "{\"error\":\"\\\"Watch\\\" takes {\\\"prefix\\\":\\\"P\\\",\\\"since\\\":N}\"}");
    close(fd);
}

/* Replies keep their order, so that of the Watch may have to wait, and its events with it. */
static void events_come_behind_the_reply_of_their_watch(void **state)
{
    int fd = ws_open();
    put("a", "1");
    fake.writes_held = true;
    ws_send(fd, "{\"APIRequest\":{\"Put\":{\"key\":\"b\",\"value\":\"2\"}}}");
    ws_send(fd, "{\"APIRequest\":{\"Watch\":{\"prefix\":\"a\",\"since\":0}}}");
    usleep(200000);
    fake.writes_held = false;
    ws_expect(fd, "{\"request\":{\"Put\":{\"key\":\"b\",\"value\":\"2\"}},\"response\":{\"Put\":"
                  "{\"key\":\"b\",\"value\":\"2\"}}}");
    ws_expect(fd, "{\"request\":{\"Watch\":{\"prefix\":\"a\",\"since\":0}},\"response\":{\"Watch\":"
                  "{\"prefix\":\"a\",\"revision\":0}}}");
    ws_expect(fd, "{\"event\":{\"prefix\":\"a\",\"event\":\"created\",\"key\":\"a\",\"revision\":1,"
                  "\"value\":\"1\"}}");
    close(fd);
}

static void a_websocket_that_reads_nothing_holds_little(void **state)
{
    int fd = ws_open(), small = 4096, large = 1 << 20;
    static char value[4001];
    memset(value, 'v', 4000);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    ws_send(fd, "{\"APIRequest\":{\"Watch\":{\"prefix\":\"k\"}}}");
    usleep(100000);
    for (int i = 0; i < 2000; i++)
        put("k", value);
    assert_in_range(harness_held(), 1, 200000);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &large,
               sizeof large); /* otherwise each waits for an ACK */
    char *message;
    int code;
    size_t len;
    uint64_t events = 0, revision = 0;
    message = ws_receive(fd, &len, &code);
    assert_non_null(strstr(message, "\"response\":{\"Watch\""));
    free(message);
    while (revision < 2000) {
        message = ws_receive(fd, &len, &code);
        assert_non_null(message);
        const char *at = strstr(message, "\"revision\":");
        assert_non_null(at);
        uint64_t next = strtoull(at + strlen("\"revision\":"), NULL, 10);
        assert_int_equal(next, revision + 1);
        revision = next;
        events++;
        free(message);
    }
    assert_int_equal(events, 2000);
    close(fd);
}

#define WATCH_TEST(name) cmocka_unit_test_setup(name, harness_reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WATCH_TEST(events_are_sent_as_they_come),
        WATCH_TEST(a_stream_begins_where_it_is_told_to),
        WATCH_TEST(a_large_value_is_left_out),
        WATCH_TEST(a_long_poll_is_answered_once),
        WATCH_TEST(what_cannot_begin_is_refused),
        WATCH_TEST(who_reads_nothing_holds_little),
        WATCH_TEST(a_quiet_stream_stays),
        WATCH_TEST(who_leaves_is_forgotten),
        WATCH_TEST(it_says_when_there_is_no_quorum),
        WATCH_TEST(a_websocket_watches),
        WATCH_TEST(a_websocket_begins_in_the_past),
        WATCH_TEST(events_come_behind_the_reply_of_their_watch),
        WATCH_TEST(a_websocket_that_reads_nothing_holds_little),
        WATCH_TEST(a_stop_ends_all_watches),
    };
    return cmocka_run_group_tests_name("http_watch", tests, harness_start, harness_stop);
}
