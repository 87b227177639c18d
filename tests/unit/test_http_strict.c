/* Bytes that could be read as two different requests: each is refused with the status of its row,
 * and its connection ends, so that nothing behind it is taken for a request. */
#include "test_http_harness.h"

#include "http/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST "Host: test\r\n"
#define SMUGGLED "PUT /key/smuggled HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx"

struct row {
    const char *what;
    const char *text;
    size_t len;
    int status;
};

#define ROW(what, text, status)                                                                    \
    {                                                                                              \
        what, text, sizeof(text) - 1, status                                                       \
    }
#define GET_WITH(fields) "GET /key/a HTTP/1.1\r\n" HOST fields "\r\n"
#define PUT_WITH(fields, body) "PUT /key/a HTTP/1.1\r\n" HOST fields "\r\n" body
#define CHUNKED "Transfer-Encoding: chunked\r\n"

static const struct row rows[] = {
    ROW("no request line", "\r\n\r\n", 400),
    ROW("two empty lines first", "\r\n\r\nGET /key/a HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    ROW("HTTP/0.9", "GET /key/a\r\n\r\n", 400),
    ROW("no target", "GET HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("a blank before the method", " GET /key/a HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("two blanks before the target", "GET  /key/a HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("two blanks behind the target", "GET /key/a  HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("a tab", "GET\t/key/a HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("a tab in the target", "GET /key/a\tb HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("a blank in the target", "GET /key/a b HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("a blank behind the version", "GET /key/a HTTP/1.1 \r\n" HOST "\r\n", 400),
    ROW("a lower-case method", "get /key/a HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("a method that is no word", "G@T /key/a HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("a lower-case version", "GET /key/a http/1.1\r\n" HOST "\r\n", 400),
    ROW("half a version", "GET /key/a HTTP/1\r\n" HOST "\r\n", 400),
    ROW("a long version", "GET /key/a HTTP/1.10\r\n" HOST "\r\n", 400),
    ROW("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ROW("HTTP/9.9", "GET /key/a HTTP/9.9\r\n" HOST "\r\n", 505),
    ROW("a fragment", "GET /key/a#b HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("a relative target", "GET key/a HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("* for another method", "GET * HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("another scheme", "GET ftp://test/key/a HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("an absolute form without host", "GET http:///key/a HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("an absolute form with a user", "GET http://u@test/key/a HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("NUL in the target", "GET /key/a\0b HTTP/1.1\r\n" HOST "\r\n", 400),
    ROW("NUL in a name", GET_WITH("X\0Y: z\r\n"), 400),
    ROW("NUL in a value", GET_WITH("X: y\0z\r\n"), 400),
    ROW("a control character in a value", GET_WITH("X: y\x01z\r\n"), 400),
    ROW("a vertical tab in a value", GET_WITH("X: y\x0bz\r\n"), 400),
    ROW("DEL in a value", GET_WITH("X: y\x7fz\r\n"), 400),
    ROW("CR in a value", GET_WITH("X: y\rz\r\n"), 400),
    ROW("CR twice", GET_WITH("X: y\r\r\n"), 400),
    ROW("CR and a field", GET_WITH("X: y\rContent-Length: 5\r\n"), 400),
    ROW("LF alone in the request line", "GET /key/a HTTP/1.1\n" HOST "\r\n", 400),
    ROW("LF alone behind a field", "GET /key/a HTTP/1.1\r\nHost: test\n\r\n", 400),
    ROW("LF alone everywhere", "GET /key/a HTTP/1.1\nHost: test\n\n", 400),
    ROW("a folded field", GET_WITH("X: y\r\n z\r\n"), 400),
    ROW("a field folded by a tab", GET_WITH("X: y\r\n\tz\r\n"), 400),
    ROW("a fold before the first field", "GET /key/a HTTP/1.1\r\n X: y\r\n" HOST "\r\n", 400),
    ROW("a blank before the colon", PUT_WITH("Content-Length : 1\r\n", "x"), 400),
    ROW("a tab before the colon", PUT_WITH("Content-Length\t: 1\r\n", "x"), 400),
    ROW("a blank within a name", GET_WITH("X Y: z\r\n"), 400),
    ROW("no name", GET_WITH(": z\r\n"), 400),
    ROW("no colon", GET_WITH("Content-Length\r\n"), 400),
    ROW("a name that is no token", GET_WITH("X(Y): z\r\n"), 400),
    ROW("a name with bytes past ASCII", GET_WITH("X\xc3\xa9: z\r\n"), 400),
    ROW("no Host", "GET /key/a HTTP/1.1\r\n\r\n", 400),
    ROW("an empty Host", "GET /key/a HTTP/1.1\r\nHost:\r\n\r\n", 400),
    ROW("two Hosts", GET_WITH("Host: other\r\n"), 400),
    ROW("two equal Hosts", GET_WITH(HOST), 400),
    ROW("two Hosts in HTTP/1.0", "GET /key/a HTTP/1.0\r\n" HOST HOST "\r\n", 400),
    ROW("no Host beside an absolute form", "GET http://test/key/a HTTP/1.1\r\n\r\n", 400),
    ROW("a Host with a path", "GET /key/a HTTP/1.1\r\nHost: test/a\r\n\r\n", 400),
    ROW("a Host with a user", "GET /key/a HTTP/1.1\r\nHost: u@test\r\n\r\n", 400),
    ROW("a Host that is a list", "GET /key/a HTTP/1.1\r\nHost: test, other\r\n\r\n", 400),
    ROW("a Host with a blank", "GET /key/a HTTP/1.1\r\nHost: te st\r\n\r\n", 400),
    ROW("a Host with a wrong port", "GET /key/a HTTP/1.1\r\nHost: test:x\r\n\r\n", 400),
    ROW("a Host with an open bracket", "GET /key/a HTTP/1.1\r\nHost: [::1\r\n\r\n", 400),
    ROW("two lengths", PUT_WITH("Content-Length: 1\r\nContent-Length: 2\r\n", "xy"), 400),
    ROW("two equal lengths", PUT_WITH("Content-Length: 1\r\nContent-Length: 1\r\n", "x"), 400),
    ROW("two lengths in one", PUT_WITH("Content-Length: 1, 1\r\n", "x"), 400),
    ROW("two lengths in two cases", PUT_WITH("Content-Length: 1\r\ncontent-length: 1\r\n", "x"),
        400),
    ROW("a negative length", PUT_WITH("Content-Length: -1\r\n", "x"), 400),
    ROW("a length with a sign", PUT_WITH("Content-Length: +1\r\n", "x"), 400),
    ROW("a length in hexadecimal", PUT_WITH("Content-Length: 0x1\r\n", "x"), 400),
    ROW("a length with a fraction", PUT_WITH("Content-Length: 1.0\r\n", "x"), 400),
    ROW("a length with a blank", PUT_WITH("Content-Length: 1 1\r\n", "x"), 400),
    ROW("an empty length", PUT_WITH("Content-Length:\r\n", "x"), 400),
    ROW("a length that is no number", PUT_WITH("Content-Length: ten\r\n", "x"), 400),
    ROW("a length beyond 64 bits", PUT_WITH("Content-Length: 18446744073709551617\r\n", "x"), 413),
    ROW("a length and chunks", PUT_WITH("Content-Length: 1\r\n" CHUNKED, "0\r\n\r\n"), 400),
    ROW("chunks and a length", PUT_WITH(CHUNKED "Content-Length: 1\r\n", "0\r\n\r\n"), 400),
    ROW("chunks in HTTP/1.0", "PUT /key/a HTTP/1.0\r\n" HOST CHUNKED "\r\n0\r\n\r\n", 400),
    ROW("chunked twice", PUT_WITH("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), 400),
    ROW("chunked in two fields", PUT_WITH(CHUNKED CHUNKED, "0\r\n\r\n"), 400),
    ROW("chunked and identity", PUT_WITH(CHUNKED "Transfer-Encoding: identity\r\n", ""), 400),
    ROW("chunked, not the last", PUT_WITH("Transfer-Encoding: chunked, gzip\r\n", ""), 400),
    ROW("almost chunked", PUT_WITH("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 400),
    ROW("chunked in quotes", PUT_WITH("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"), 400),
    ROW("chunked with a parameter", PUT_WITH("Transfer-Encoding: chunked;q=1\r\n", ""), 400),
    ROW("no coding", PUT_WITH("Transfer-Encoding:\r\n", "0\r\n\r\n"), 400),
    ROW("another coding", PUT_WITH("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501),
    ROW("a coding that never ends", PUT_WITH("Transfer-Encoding: gzip\r\n", ""), 400),
    ROW("a chunk without size", PUT_WITH(CHUNKED, "\r\nx\r\n0\r\n\r\n"), 400),
    ROW("a size that is no number", PUT_WITH(CHUNKED, "zz\r\n"), 400),
    ROW("a size with 0x", PUT_WITH(CHUNKED, "0x1\r\nx\r\n0\r\n\r\n"), 400),
    ROW("a size with a sign", PUT_WITH(CHUNKED, "+1\r\nx\r\n0\r\n\r\n"), 400),
    ROW("a negative size", PUT_WITH(CHUNKED, "-1\r\nx\r\n0\r\n\r\n"), 400),
    ROW("a blank before a size", PUT_WITH(CHUNKED, " 1\r\nx\r\n0\r\n\r\n"), 400),
    ROW("a blank behind a size", PUT_WITH(CHUNKED, "1 \r\nx\r\n0\r\n\r\n"), 400),
    ROW("a size beyond any limit", PUT_WITH(CHUNKED, "fffffffffffffffff\r\nx"), 400),
    ROW("LF alone behind a size", PUT_WITH(CHUNKED, "1\nx\r\n0\r\n\r\n"), 400),
    ROW("CR alone behind a size", PUT_WITH(CHUNKED, "1\rx\r\n0\r\n\r\n"), 400),
    ROW("a control character in an extension", PUT_WITH(CHUNKED, "1;a\x01\r\nx\r\n0\r\n\r\n"), 400),
    ROW("LF alone in an extension", PUT_WITH(CHUNKED, "1;a\nx\r\n0\r\n\r\n"), 400),
    ROW("more data than the size", PUT_WITH(CHUNKED, "1\r\nxy\r\n0\r\n\r\n"), 400),
    ROW("less data than the size", PUT_WITH(CHUNKED, "3\r\nx\r\n0\r\n\r\n"), 400),
    ROW("no CRLF behind data", PUT_WITH(CHUNKED, "1\r\nxyz0\r\n\r\n"), 400),
    ROW("no LF behind a size", PUT_WITH(CHUNKED, "1\ryx\r\n0\r\n\r\n"), 400),
    ROW("no LF behind a trailer", PUT_WITH(CHUNKED, "0\r\nX: y\rz\r\n"), 400),
    ROW("no LF at the end", PUT_WITH(CHUNKED, "0\r\n\rx"), 400),
    ROW("LF alone behind data", PUT_WITH(CHUNKED, "1\r\nx\n0\r\n\r\n"), 400),
    ROW("a trailer with a blank", PUT_WITH(CHUNKED, "0\r\nX : y\r\n\r\n"), 400),
    ROW("a folded trailer", PUT_WITH(CHUNKED, "0\r\nX: y\r\n z\r\n\r\n"), 400),
    ROW("a trailer without name", PUT_WITH(CHUNKED, "0\r\n: y\r\n\r\n"), 400),
    ROW("a trailer without colon", PUT_WITH(CHUNKED, "0\r\nX\r\n\r\n"), 400),
    ROW("LF alone behind a trailer", PUT_WITH(CHUNKED, "0\r\nX: y\n\r\n"), 400),
};

static void expect_status_of(int fd, const char *what, int status)
{
    struct response response = receive_response(fd, false);
    if (response.status != status)
        print_error("%s: %d instead of %d\n", what, response.status, status);
    assert_int_equal(response.status, status);
    if (status >= 400) {
        assert_string_equal(response_header(&response, "Connection"), "close");
        assert_non_null(strstr(response.body, "\"error\":\""));
    }
    response_free(&response);
}

/* The rest of the stream has no other answer. */
static void expect_end(int fd, const char *what)
{
    if (!is_closed(fd))
        print_error("%s: the connection goes on\n", what);
    assert_true(is_closed(fd));
}

static void first(int fd)
{
}

static void after_another(int fd)
{
    send_text(fd, "GET /healthz HTTP/1.1\r\n" HOST "\r\n");
    expect_status_of(fd, "a good request", 200);
}

static void behind_another(int fd)
{
    send_text(fd, "GET /healthz HTTP/1.1\r\n" HOST "\r\n");
}

static void try_rows(void (*before)(int fd), bool good_one_waits)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int fd = http_connect();
        before(fd);
        send_bytes(fd, rows[i].text, rows[i].len);
        send_text(fd, SMUGGLED);
        if (good_one_waits)
            expect_status_of(fd, "the good request before", 200);
        expect_status_of(fd, rows[i].what, rows[i].status);
        expect_end(fd, rows[i].what);
        close(fd);
    }
    expect("GET", "/key/smuggled", "", NULL, 404, NULL);
    expect("GET", "/key/a", "", NULL, 404, NULL);
}

static void each_is_refused_as_the_first_request(void **state)
{
    try_rows(first, false);
}

static void each_is_refused_behind_a_good_request(void **state)
{
    try_rows(after_another, false);
}

static void each_is_refused_in_a_pipeline(void **state)
{
    try_rows(behind_another, true);
    fake.answers = FAKE_LATER;
    try_rows(behind_another, true);
}

/* The answer does not depend on how the bytes come. */
static void each_is_refused_byte_by_byte(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int fd = http_connect();
        for (size_t at = 0; at < rows[i].len; at++)
            send_bytes(fd, rows[i].text + at, 1);
        expect_status_of(fd, rows[i].what, rows[i].status);
        expect_end(fd, rows[i].what);
        close(fd);
    }
}

/* Nobody waits for the body of a request that is refused. */
static void the_body_is_not_waited_for(void **state)
{
    int fd = http_connect();
    send_text(fd, "PUT /key/a HTTP/1.1\r\nContent-Length: 5\r\n\r\n");
    expect_status_of(fd, "no Host", 400);
    expect_end(fd, "no Host");
    close(fd);
    fd = http_connect();
    send_text(fd, "PUT /key/a HTTP/1.1\r\n" HOST "Content-Encoding: gzip\r\nConnection: close\r\n"
                  "Content-Length: 5\r\n\r\n");
    expect_status_of(fd, "an encoded body", 415);
    close(fd);
}

/* Unusual, and as the RFCs have it: taken. */
static void what_is_well_formed_is_taken(void **state)
{
    static const struct row good[] = {
        ROW("an empty line first", "\r\nGET /key/a HTTP/1.1\r\n" HOST "\r\n", 404),
        ROW("a later minor version", "GET /key/a HTTP/1.7\r\n" HOST "\r\n", 404),
        ROW("no blank behind the colon", "GET /key/a HTTP/1.1\r\nHost:test\r\n\r\n", 404),
        ROW("blanks around a value", "GET /key/a HTTP/1.1\r\nHost: \t test \t\r\n\r\n", 404),
        ROW("a name in capitals", "GET /key/a HTTP/1.1\r\nHOST: test\r\n\r\n", 404),
        ROW("an empty value", GET_WITH("X:\r\n"), 404),
        ROW("bytes past ASCII in a value", GET_WITH("X: \xc3\xa9\r\n"), 404),
        ROW("bytes past ASCII in a path", "GET /key/\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n", 404),
        ROW("a length with zeros", PUT_WITH("Content-Length: 0001\r\n", "x"), 200),
        ROW("chunks", PUT_WITH(CHUNKED, "1\r\nx\r\n0\r\n\r\n"), 200),
        ROW("chunked in capitals", PUT_WITH("Transfer-Encoding: CHUNKED\r\n", "0\r\n\r\n"), 200),
        ROW("a list of one", PUT_WITH("Transfer-Encoding: , chunked,\r\n", "0\r\n\r\n"), 200),
        ROW("sizes in either case",
            PUT_WITH(CHUNKED, "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n"
                              "\r\n"),
            200),
        ROW("a size with zeros", PUT_WITH(CHUNKED, "0001\r\nx\r\n000\r\n\r\n"), 200),
        ROW("extensions", PUT_WITH(CHUNKED, "1;a=b;c=\"d e\"\r\nx\r\n0;z\r\n\r\n"), 200),
        ROW("trailers", PUT_WITH(CHUNKED, "1\r\nx\r\n0\r\nX: y\r\nContent-Length: 5\r\n\r\n"), 200),
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int fd = http_connect();
        for (int times = 0; times < 2; times++) {
            send_bytes(fd, good[i].text, good[i].len);
            struct response response = receive_response(fd, false);
            if (response.status != good[i].status)
                print_error("%s: %d\n", good[i].what, response.status);
            assert_int_equal(response.status, good[i].status);
            response_free(&response);
            expect("DELETE", "/key/a", "", NULL, good[i].status, NULL);
        }
        close(fd);
    }
}

static void heads_have_a_limit(void **state)
{
    static char text[40000];
    int fd = http_connect();
    memset(text, 'k', sizeof text);
    send_text(fd, "GET /key/");
    send_bytes(fd, text, sizeof text);
    expect_status_of(fd, "a long line", 414);
    expect_end(fd, "a long line");
    close(fd);
    fd = http_connect();
    send_text(fd, "GET /key/a HTTP/1.1\r\n" HOST "X: ");
    send_bytes(fd, text, sizeof text);
    expect_status_of(fd, "a long field", 431);
    expect_end(fd, "a long field");
    close(fd);
    fd = http_connect();
    send_text(fd, "GET /key/a HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 100; i++)
        send_text(fd, "X: y\r\n");
    send_text(fd, "\r\n");
    expect_status_of(fd, "many fields", 431);
    expect_end(fd, "many fields");
    close(fd);
    fd = http_connect();
    send_text(fd, "PUT /key/a HTTP/1.1\r\n" HOST CHUNKED "\r\n0\r\nX: ");
    send_bytes(fd, text, sizeof text);
    expect_status_of(fd, "a long trailer", 400);
    close(fd);
}

/* Whether a connection goes on is what its request said (RFC 9112, 9.3). */
static void connections_go_on_as_asked(void **state)
{
    static const struct {
        const char *text;
        bool goes_on;
    } connections[] = {
        {"GET /healthz HTTP/1.1\r\n" HOST "\r\n", true},
        {"GET /healthz HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", false},
        {"GET /healthz HTTP/1.1\r\n" HOST "Connection: x, CLOSE\r\n\r\n", false},
        {"GET /healthz HTTP/1.1\r\n" HOST "Connection: x\r\nConnection: close\r\n\r\n", false},
        {"GET /healthz HTTP/1.1\r\n" HOST "Connection: closed\r\n\r\n", true},
        {"GET /healthz HTTP/1.0\r\n\r\n", false},
        {"GET /healthz HTTP/1.0\r\n" HOST "\r\n", false},
        {"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
        {"GET /healthz HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false},
    };
    for (size_t i = 0; i < sizeof connections / sizeof *connections; i++) {
        int fd = http_connect();
        send_text(fd, connections[i].text);
        struct response response = receive_response(fd, false);
        assert_int_equal(response.status, 200);
        bool closes = strcmp(response_header(&response, "Connection"), "close") == 0;
        response_free(&response);
        assert_int_equal(closes, !connections[i].goes_on);
        if (closes)
            assert_true(is_closed(fd));
        else
            after_another(fd);
        close(fd);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, harness_reset)
    const struct CMUnitTest tests[] = {
        TEST(each_is_refused_as_the_first_request),
        TEST(each_is_refused_behind_a_good_request),
        TEST(each_is_refused_in_a_pipeline),
        TEST(each_is_refused_byte_by_byte),
        TEST(the_body_is_not_waited_for),
        TEST(what_is_well_formed_is_taken),
        TEST(heads_have_a_limit),
        TEST(connections_go_on_as_asked),
    };
    return cmocka_run_group_tests(tests, harness_start, harness_stop);
}
