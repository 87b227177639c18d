/* What header fields and targets mean: forms of a value and their tags, conditions, ranges, names
 * of the node, upgrades. README.md has the same tables. */
#include "test_http_harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RAW "Accept: application/octet-stream\r\n"

/* ---- Forms and tags ---- */

static void each_form_has_its_own_tag(void **state)
{
    expect("PUT", "/key/k", "", "v", 200, NULL);
    expect_header("GET", "/key/k", "", NULL, 200, "ETag", "\"+1\"");
    expect_header("GET", "/key/k", RAW, NULL, 200, "ETag", "\"1\"");
    expect_header("HEAD", "/key/k", "", NULL, 200, "ETag", "\"+1\"");
    expect_header("HEAD", "/key/k", RAW, NULL, 200, "ETag", "\"1\"");
    expect_header("GET", "/key/k", "", NULL, 200, "Vary", "Accept");
    expect_header("GET", "/key/k", RAW, NULL, 200, "Vary", "Accept");
    expect_header("GET", "/key/none", RAW, NULL, 404, "Vary", "Accept");
    expect_header("GET", "/key/k", "If-None-Match: \"1\"\r\n" RAW, NULL, 304, "Vary", "Accept");
    expect_header("GET", "/key/k", "If-None-Match: \"1\"\r\n" RAW, NULL, 304, "ETag", "\"1\"");
    expect_header("GET", "/key/k", "", NULL, 200, "Cache-Control", "private, no-cache");
    expect_header("GET", "/key/none", "", NULL, 404, "Cache-Control", "private, no-cache");
    expect_header("PUT", "/key/k", "", "w", 200, "ETag", "\"2\"");
}

static void accept_chooses_the_form(void **state)
{
    static const struct {
        const char *accept;
        bool raw;
    } choices[] = {
        {"application/octet-stream", true},
        {"APPLICATION/Octet-Stream", true},
        {"application/octet-stream, */*", true},
        {"*/*, application/octet-stream", true},
        {"application/octet-stream;q=0.5, application/json;q=0.4", true},
        {"application/octet-stream;q=0.5, */*;q=0.1", true},
        {"text/html, application/octet-stream", true},
        {"application/octet-stream;q=0", false},
        {"application/octet-stream;q=0.000, */*", false},
        {"application/octet-stream;q=0.4, application/json;q=0.5", false},
        {"application/octet-stream;q=0.9, application/json, */*;q=0.1", false},
        {"application/octet-stream; q=0.4, application/*", false},
        {"application/octet-streams", false},
        {"*/*", false},
        {"application/*", false},
        {"text/html", false},
        {"", false},
    };
    expect("PUT", "/key/k", "", "v", 200, NULL);
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        char headers[200];
        snprintf(headers, sizeof headers, "Accept: %s\r\n", choices[i].accept);
        expect_header("GET", "/key/k", headers, NULL, 200, "Content-Type",
                      choices[i].raw ? "application/octet-stream" : "application/json");
    }
    expect("GET", "/key/k", "Accept: text/html\r\n" RAW, NULL, 200, "v"); /* two lines, one list */
}

/* ---- Conditions ---- */

/* Of the key c, which has revision 2 and was changed 2 s after 1970. */
static void conditions_of_a_read(void **state)
{
    static const struct {
        const char *headers;
        int json, raw;
    } conditions[] = {
        {"If-None-Match: \"+2\"\r\n", 304, 200},
        {"If-None-Match: \"2\"\r\n", 200, 304},
        {"If-None-Match: W/\"+2\"\r\n", 304, 200},
        {"If-None-Match: \"1\", \"2\"\r\n", 200, 304},
        {"If-None-Match: \"1\"\r\nIf-None-Match: \"2\"\r\n", 200, 304},
        {"If-None-Match: \"1,\", \"2\"\r\n", 200, 304},
        {"If-None-Match: \"12\"\r\n", 200, 200},
        {"If-None-Match: \"02\"\r\n", 200, 200},
        {"If-None-Match: \"++2\"\r\n", 200, 200},
        {"If-None-Match: \"2+\"\r\n", 200, 200},
        {"If-None-Match: \"99999999999999999999\"\r\n", 200, 200},
        {"If-None-Match: *\r\n", 304, 304},
        {"If-Match: \"2\"\r\n", 412, 200},
        {"If-Match: \"+2\"\r\n", 200, 412},
        {"If-Match: W/\"2\"\r\n", 412, 412},
        {"If-Match: \"1\"\r\n", 412, 412},
        {"If-Match: \"1\", \"2\", \"+2\"\r\n", 200, 200},
        {"If-Match: *\r\n", 200, 200},
        {"If-Match: \"1\"\r\nIf-None-Match: \"2\", \"+2\"\r\n", 412, 412},
        {"If-Match: *\r\nIf-None-Match: *\r\n", 304, 304},
        {"If-Match: 2\r\n", 400, 400},
        {"If-Match:\r\n", 400, 400},
        {"If-Match: *, \"2\"\r\n", 400, 400},
        {"If-None-Match: \"2\r\n", 400, 400},
        {"If-None-Match: w/\"2\"\r\n", 400, 400},
        {"If-Unmodified-Since: Thu, 01 Jan 1970 00:00:01 GMT\r\n", 412, 412},
        {"If-Unmodified-Since: Thu, 01 Jan 1970 00:00:02 GMT\r\n", 200, 200},
        {"If-Unmodified-Since: Thursday, 01-Jan-70 00:00:02 GMT\r\n", 200, 200},
        {"If-Unmodified-Since: Thu Jan  1 00:00:01 1970\r\n", 412, 412},
        {"If-Unmodified-Since: yesterday\r\n", 400, 400},
        {"If-Match: *\r\nIf-Unmodified-Since: Thu, 01 Jan 1970 00:00:01 GMT\r\n", 200, 200},
        {"If-Modified-Since: Thu, 01 Jan 2037 00:00:00 GMT\r\n", 200, 200},
        {"If-None-Match: \"1\"\r\nIf-Modified-Since: Thu, 01 Jan 2037 00:00:00 GMT\r\n", 200, 200},
    };
    expect("PUT", "/key/c", "", "1", 200, NULL);
    expect("PUT", "/key/c", "", "2", 200, NULL);
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
        char headers[400];
        for (int raw = 0; raw < 2; raw++) {
            snprintf(headers, sizeof headers, "%s%s", conditions[i].headers, raw ? RAW : "");
            struct response get = request("GET", "/key/c", headers, NULL);
            struct response head = request("HEAD", "/key/c", headers, NULL);
            int status = raw ? conditions[i].raw : conditions[i].json;
            if (get.status != status)
                print_error("%s: %d\n", headers, get.status);
            assert_int_equal(get.status, status);
            assert_int_equal(head.status, status);
            response_free(&get);
            response_free(&head);
        }
    }
    expect("GET", "/key/none", "If-Match: *\r\n", NULL, 404, NULL); /* RFC 9110, 13.2.1 */
    expect_error("GET", "/keys", "If-Match: \"2\"\r\n", NULL, 412, "only keys");
    expect("GET", "/healthz", "If-Match: *\r\n", NULL, 200, NULL);
}

/* Each for PUT, POST and DELETE of a key of revision `there` (0: absent). */
static void conditions_of_a_change(void **state)
{
    static const struct {
        const char *headers;
        bool there;
        int status;
    } conditions[] = {
        {"If-Match: \"R\"\r\n", true, 200},
        {"If-Match: \"+R\"\r\n", true, 200},
        {"If-Match: W/\"R\"\r\n", true, 412},
        {"If-Match: \"1\", \"R\"\r\n", true, 200},
        {"If-Match: \"1\"\r\nIf-Match: \"+R\"\r\n", true, 200},
        {"If-Match: \"1\", \"other\"\r\n", true, 412},
        {"If-Match: \"1\", W/\"R\"\r\n", true, 412},
        {"If-Match: \"1\", \"R\"\r\n", false, 412},
        {"If-Match: *\r\n", true, 200},
        {"If-Match: *\r\n", false, 412},
        {"If-None-Match: *\r\n", true, 412},
        {"If-None-Match: \"R\"\r\n", true, 412},
        {"If-None-Match: W/\"+R\"\r\n", true, 412},
        {"If-None-Match: \"1\"\r\n", true, 200},
        {"If-None-Match: \"1\", \"R\"\r\n", true, 412},
        {"If-Match: \"R\"\r\nIf-None-Match: \"1\"\r\n", true, 200},
        {"If-Match: \"1\"\r\nIf-None-Match: \"2\"\r\n", true, 412},
        {"If-Unmodified-Since: Thu, 01 Jan 1970 00:00:01 GMT\r\n", true, 412},
        {"If-Unmodified-Since: Thu, 01 Jan 2037 00:00:00 GMT\r\n", true, 200},
        {"If-Unmodified-Since: Thu, 01 Jan 2037 00:00:00 GMT\r\n", false, 412},
        {"If-Match: \"R\"\r\nIf-Unmodified-Since: Thu, 01 Jan 1970 00:00:01 GMT\r\n", true, 200},
        {"If-Unmodified-Since: tomorrow\r\n", true, 400},
        {"If-Modified-Since: Thu, 01 Jan 2037 00:00:00 GMT\r\n", true, 200},
        {"If-Match: R\r\n", true, 400},
    };
    static const char *const methods[] = {"PUT", "POST", "DELETE"};
    expect("PUT", "/key/first", "", "", 200, NULL); /* revision 1 */
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
        for (int m = 0; m < 3; m++) {
            struct response put = request("PUT", "/key/c", "", "old");
            char headers[400], *to = headers;
            for (const char *from = conditions[i].headers; *from; from++) {
                bool here = from[0] == 'R' && from[1] == '"';
                to += here ? sprintf(to, "%ld", strtol(response_header(&put, "ETag") + 1, NULL, 10))
                           : sprintf(to, "%c", *from);
            }
            response_free(&put);
            if (!conditions[i].there)
                expect("DELETE", "/key/c", "", NULL, 200, NULL);
            struct response response = request(methods[m], m == 1 ? "/key" : "/key/c", headers,
                                               m == 0   ? "new"
                                               : m == 1 ? "{\"key\":\"c\",\"value\":\"new\"}"
                                                        : NULL);
            if (response.status != conditions[i].status)
                print_error("%s %s: %d\n", methods[m], headers, response.status);
            assert_int_equal(response.status, conditions[i].status);
            response_free(&response);
            bool changed = conditions[i].status == 200;
            if (changed ? m < 2 : conditions[i].there)
                expect("GET", "/key/c", RAW, NULL, 200, changed ? "new" : "old");
            else
                expect("GET", "/key/c", RAW, NULL, 404, NULL);
        }
    }
}

static void wait_for_held(int count)
{
    while (fake.held != count)
        usleep(1000);
}

/* A key that changes between the comparison and the change is compared again. */
static void a_comparison_is_not_overtaken(void **state)
{
    expect("PUT", "/key/c", "", "1", 200, NULL);
    for (int holds = 0; holds < 2; holds++) {
        fake.writes_held = true;
        int fd = http_connect();
        send_text(fd, holds ? "PUT /key/c HTTP/1.1\r\nHost: test\r\nIf-None-Match: \"1\"\r\n"
                              "Content-Length: 3\r\n\r\nnew"
                            : "PUT /key/c HTTP/1.1\r\nHost: test\r\nIf-Match: \"1\", \"7\"\r\n"
                              "Content-Length: 3\r\n\r\nnew");
        wait_for_held(1); /* it was compared */
        harness_put("c", bytes_of_text("2"), 0100644);
        fake.writes_held = false;
        struct response response = receive_response(fd, false);
        assert_int_equal(response.status, holds ? 200 : 412);
        response_free(&response);
        close(fd);
        expect("GET", "/key/c", RAW, NULL, 200, holds ? "new" : "2");
    }
}

static void refused_comparisons_say_why(void **state)
{
    expect("PUT", "/key/c", "", "1", 200, NULL);
    fake.read_outcome = REPLICA_NO_QUORUM;
    expect_error("PUT", "/key/c", "If-None-Match: \"7\"\r\n", "2", 503, "no quorum");
    fake.read_outcome = REPLICA_TIMEOUT;
    expect_error("PUT", "/key/c", "If-None-Match: \"7\"\r\n", "2", 504, "nothing was changed");
    fake.read_outcome = REPLICA_DONE;
    fake.write_status = -ECANCELED; /* again and again */
    expect_error("PUT", "/key/c", "If-None-Match: \"7\"\r\n", "2", 503, "too often");
    fake.write_status = 0;
    expect("PUT", "/key/d/e", "", "1", 200, NULL);
    expect_error("PUT", "/key/d", "If-None-Match: \"7\"\r\n", "2", 409, "directory");
    expect("GET", "/key/c", RAW, NULL, 200, "1");
}

/* ---- Ranges ---- */

static void ranges_of_raw_values(void **state)
{
    static const struct {
        const char *headers;
        int status;
        const char *range, *body;
    } ranges[] = {
        {"Range: bytes=0-0\r\n", 206, "bytes 0-0/10", "0"},
        {"Range: bytes=2-4\r\n", 206, "bytes 2-4/10", "234"},
        {"Range: BYTES=2-4\r\n", 206, "bytes 2-4/10", "234"},
        {"Range: bytes=8-\r\n", 206, "bytes 8-9/10", "89"},
        {"Range: bytes=8-99999999999999999999\r\n", 206, "bytes 8-9/10", "89"},
        {"Range: bytes=-3\r\n", 206, "bytes 7-9/10", "789"},
        {"Range: bytes=-30\r\n", 206, "bytes 0-9/10", "0123456789"},
        {"Range: bytes=10-\r\n", 416, "bytes */10", NULL},
        {"Range: bytes=99999999999999999999-\r\n", 416, "bytes */10", NULL},
        {"Range: bytes=-0\r\n", 416, "bytes */10", NULL},
        {"Range: bytes=4-2\r\n", 200, "", "0123456789"},
        {"Range: bytes=2-4,6-7\r\n", 200, "", "0123456789"},
        {"Range: bytes=\r\n", 200, "", "0123456789"},
        {"Range: bytes=-\r\n", 200, "", "0123456789"},
        {"Range: bytes=a-b\r\n", 200, "", "0123456789"},
        {"Range: lines=2-4\r\n", 200, "", "0123456789"},
        {"Range: bytes=2-4\r\nIf-Range: \"1\"\r\n", 206, "bytes 2-4/10", "234"},
        {"Range: bytes=2-4\r\nIf-Range: W/\"1\"\r\n", 200, "", "0123456789"},
        {"Range: bytes=2-4\r\nIf-Range: \"+1\"\r\n", 200, "", "0123456789"},
        {"Range: bytes=2-4\r\nIf-Range: \"2\"\r\n", 200, "", "0123456789"},
        {"Range: bytes=2-4\r\nIf-Range: Thu, 01 Jan 2037 00:00:00 GMT\r\n", 200, "", "0123456789"},
        {"Range: bytes=2-4\r\nIf-None-Match: \"1\"\r\n", 304, "", ""},
        {"Range: bytes=2-4\r\nIf-Match: \"2\"\r\n", 412, "", NULL},
    };
    expect("PUT", "/key/r", "", "0123456789", 200, NULL);
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        char headers[200];
        snprintf(headers, sizeof headers, "%s%s", RAW, ranges[i].headers);
        expect_header("GET", "/key/r", headers, NULL, ranges[i].status, "Content-Range",
                      ranges[i].range);
        expect("GET", "/key/r", headers, NULL, ranges[i].status, ranges[i].body);
    }
    expect_header("GET", "/key/r", RAW, NULL, 200, "Accept-Ranges", "bytes");
    expect_header("HEAD", "/key/r", RAW "Range: bytes=2-4\r\n", NULL, 200, "Content-Length", "10");
    expect_header("GET", "/key/r", "Range: bytes=2-4\r\n", NULL, 200, "Content-Range", "");
    expect("PUT", "/key/empty", "", "", 200, NULL);
    expect_header("GET", "/key/empty", RAW "Range: bytes=0-\r\n", NULL, 416, "Content-Range",
                  "bytes */0");
}

/* A range of a long value comes in pieces as well. */
static void ranges_of_long_values(void **state)
{
    enum { SIZE = 1000 * 1000, FROM = 300 * 1000 + 1 };
    char *value = malloc(SIZE + 1);
    assert_non_null(value);
    for (size_t i = 0; i < SIZE; i++)
        value[i] = (char)('a' + i % 26);
    value[SIZE] = 0;
    expect("PUT", "/key/long", "", value, 200, NULL);
    struct response part = request("GET", "/key/long", RAW "Range: bytes=300001-\r\n", NULL);
    assert_int_equal(part.status, 206);
    assert_int_equal(part.body_len, SIZE - FROM);
    assert_memory_equal(part.body, value + FROM, SIZE - FROM);
    response_free(&part);
    free(value);
}

/* ---- Fields that are refused or ignored ---- */

static void fields_that_change_the_meaning(void **state)
{
    static const struct {
        const char *headers;
        int status;
    } fields[] = {
        {"Content-Range: bytes 0-2/10\r\n", 400},
        {"Content-Range: bytes */10\r\n", 400},
        {"Content-Range:\r\n", 400},
        {"Content-Encoding: gzip\r\n", 415},
        {"Content-Encoding: identity, br\r\n", 415},
        {"Content-Encoding: aws-chunked\r\n", 415},
        {"Content-Encoding: identity\r\n", 200},
        {"Expect: 100-continue, x\r\n", 417},
        {"Expect: 200-ok\r\n", 417},
        {"Content-Type: multipart/byteranges\r\n", 200},
        {"Content-MD5: AAAAAAAAAAAAAAAAAAAAAA==\r\n", 200},
        {"X-HTTP-Method-Override: DELETE\r\n", 200},
        {"X-Forwarded-Host: evil.example\r\n", 200},
        {"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n",
         200},
        {"TE: trailers, gzip\r\nConnection: TE\r\n", 200},
        {"Range: bytes=0-1\r\n", 200},
        {"Authorization: Basic eDp5\r\n", 200},
        {"Prefer: respond-async\r\n", 200},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct response response = request("PUT", "/key/f", fields[i].headers, "abc");
        if (response.status != fields[i].status)
            print_error("%s: %d\n", fields[i].headers, response.status);
        assert_int_equal(response.status, fields[i].status);
        response_free(&response);
        int there = fields[i].status == 200 ? 200 : 404;
        expect("GET", "/key/f", RAW, NULL, there, there == 200 ? "abc" : NULL);
        if (there == 200)
            expect("DELETE", "/key/f", "", NULL, 200, NULL);
    }
    expect_header("PUT", "/key/f", "Content-Encoding: gzip\r\n", "abc", 415, "Accept-Encoding",
                  "identity");
    expect_error("POST", "/key", "Content-Encoding: gzip\r\n", "{\"key\":\"f\",\"value\":\"\"}",
                 415, "Content-Encoding");
    assert_int_equal(status_of("PUT /key/f HTTP/1.0\r\nExpect: 100-continue\r\n"
                               "Content-Length: 1\r\n\r\nx"),
                     200); /* and no 100: RFC 9110, 10.1.1 */
}

/* ---- Targets and methods ---- */

static void absolute_targets_are_understood(void **state)
{
    expect("PUT", "/key/a", "", "v", 200, NULL);
    static const struct {
        const char *text;
        int status;
    } targets[] = {
        {"GET http://test/key/a HTTP/1.1\r\nHost: test\r\n\r\n", 200},
        {"GET HTTP://TEST:80/key/a HTTP/1.1\r\nHost: test\r\n\r\n", 200},
        {"GET https://test/key/a?consistency=local HTTP/1.1\r\nHost: test\r\n\r\n", 200},
        {"GET http://[::1]:8080/key/a HTTP/1.1\r\nHost: test\r\n\r\n", 200},
        {"GET http://test HTTP/1.1\r\nHost: test\r\n\r\n", 404},
        {"GET http://test?x HTTP/1.1\r\nHost: test\r\n\r\n", 400},
        /* The target's host counts (RFC 9112, 3.2.2). */
        {"GET http://test/key/a HTTP/1.1\r\nHost: evil.example\r\n\r\n", 200},
        {"GET http://evil.example/key/a HTTP/1.1\r\nHost: test\r\n\r\n", 421},
        {"GET http://test/key/a HTTP/1.0\r\n\r\n", 200},
        {"GET http://evil.example/key/a HTTP/1.0\r\n\r\n", 421},
        {"GET /key/a HTTP/1.0\r\n\r\n", 200},
        {"GET /key/a HTTP/1.0\r\nHost: evil.example\r\n\r\n", 421},
        {"OPTIONS * HTTP/1.1\r\nHost: test\r\n\r\n", 204},
        {"OPTIONS http://test HTTP/1.1\r\nHost: test\r\n\r\n", 204},
        {"OPTIONS /key/a HTTP/1.1\r\nHost: test\r\n\r\n", 204},
        {"OPTIONS /none HTTP/1.1\r\nHost: test\r\n\r\n", 404},
        {"OPTIONS * HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421},
        {"CONNECT test:80 HTTP/1.1\r\nHost: test:80\r\n\r\n", 501},
        {"CONNECT /key/a HTTP/1.1\r\nHost: test\r\n\r\n", 400},
        {"TRACE /key/a HTTP/1.1\r\nHost: test\r\n\r\n", 405},
        {"GET /omnipax HTTP/1.1\r\nHost: test\r\n\r\n", 400},
    };
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        int status = status_of(targets[i].text);
        if (status != targets[i].status)
            print_error("%s: %d\n", targets[i].text, status);
        assert_int_equal(status, targets[i].status);
    }
    expect_header("OPTIONS", "*", "", NULL, 204, "Allow", "GET, HEAD, PUT, POST, DELETE, OPTIONS");
    expect_header("OPTIONS", "/key", "", NULL, 204, "Allow", "POST, OPTIONS");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, harness_reset)
    const struct CMUnitTest tests[] = {
        TEST(each_form_has_its_own_tag),      TEST(accept_chooses_the_form),
        TEST(conditions_of_a_read),           TEST(conditions_of_a_change),
        TEST(a_comparison_is_not_overtaken),  TEST(refused_comparisons_say_why),
        TEST(ranges_of_raw_values),           TEST(ranges_of_long_values),
        TEST(fields_that_change_the_meaning), TEST(absolute_targets_are_understood),
    };
    return cmocka_run_group_tests(tests, harness_start, harness_stop);
}
