/* Whom the node serves: requests that are meant for it, pages that are its own, and connections
 * that become WebSockets, at whatever request. */
#include "test_http_harness.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define UPGRADE                                                                                    \
    "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"       \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

/* ---- Names ---- */

/* The node listens on 127.0.0.1:8080, and `hosts` has test and outer.example:8443. */
static void only_its_own_names_are_served(void **state)
{
    static const struct {
        const char *host;
        bool ours;
    } hosts[] = {
        {"127.0.0.1", true},
        {"127.0.0.1:8080", true},
        {"10.1.2.3:1", true},
        {"[::1]", true},
        {"[::1]:8080", true},
        {"[fe80::1%25eth0]:8080", true},
        {"localhost", true},
        {"LOCALHOST:8080", true},
        {"localhost.", true},
        {"test", true},
        {"test:1234", true},
        {"outer.example", true},
        {"Outer.Example.", true},
        {"evil.example", false},
        {"evil.example:8080", false},
        {"127.0.0.1.evil.example", false},
        {"localhost.evil", false},
        {"evil.localhost", false},
        {"xtest", false},
        {"testx", false},
        {"test.", true},
        {"256.0.0.1", false},
        {"127.1", false},
        {"[::g]", false},
        {"0x7f000001", false},
        {"test..", false},
    };
    expect("PUT", "/key/k", "", "v", 200, NULL);
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        static const char *const requests[] = {
            "GET /key/k HTTP/1.1\r\nHost: %s\r\n\r\n",
            "HEAD /key/k HTTP/1.1\r\nHost: %s\r\n\r\n",
            "PUT /key/k HTTP/1.1\r\nHost: %s\r\nContent-Length: 1\r\n\r\nv",
            "POST /key HTTP/1.1\r\nHost: %s\r\nContent-Length: 23\r\n\r\n"
            "{\"key\":\"k\",\"value\":\"v\"}",
            "DELETE /key/none HTTP/1.1\r\nHost: %s\r\n\r\n",
            "GET /keys HTTP/1.1\r\nHost: %s\r\n\r\n",
            "GET /status HTTP/1.1\r\nHost: %s\r\n\r\n",
            "GET /client HTTP/1.1\r\nHost: %s\r\n" UPGRADE "\r\n",
        };
        for (size_t r = 0; r < sizeof requests / sizeof *requests; r++) {
            char text[600];
            snprintf(text, sizeof text, requests[r], hosts[i].host);
            int fd = http_connect();
            send_text(fd, text);
            struct response response = receive_response(fd, r == 1 || (r == 7 && hosts[i].ours));
            if ((response.status == 421) == hosts[i].ours)
                print_error("%s: %d\n", text, response.status);
            assert_int_equal(response.status == 421, !hosts[i].ours);
            assert_true(hosts[i].ours || r == 1 || strstr(response.body, "\\\"hosts\\\""));
            response_free(&response);
            close(fd);
        }
    }
}

static void only_its_own_pages_are_served(void **state)
{
    static const struct {
        const char *host, *origin;
        bool ours;
    } pages[] = {
        {"127.0.0.1:8080", "http://127.0.0.1:8080", true},
        {"127.0.0.1:9000", "http://127.0.0.1:9000", true}, /* a mapped port */
        {"test", "http://TEST", true},
        {"[::1]:8080", "http://[::1]:8080", true},
        {"localhost:8080", "http://localhost:8080", true},
        {"127.0.0.1:8080", "http://test:8080", true},
        {"127.0.0.1:8080", "https://test", true}, /* behind a proxy */
        {"127.0.0.1:8080", "http://test", true},
        {"127.0.0.1:8080", "https://outer.example:8443", true},
        {"127.0.0.1:8080", "https://outer.example", false},
        {"127.0.0.1:8080", "http://test:3000", false}, /* another server on the same host */
        {"127.0.0.1:8080", "http://127.0.0.1:3000", false},
        {"localhost:8080", "http://localhost:3000", false},
        {"localhost:8080", "http://localhost", false},
        {"127.0.0.1:8080", "http://10.1.2.3:8080", false},
        {"127.0.0.1:8080", "http://evil.example", false},
        {"127.0.0.1:8080", "http://evil.example:8080", false},
        {"127.0.0.1:8080", "null", false},
        {"127.0.0.1:8080", "", false},
        {"127.0.0.1:8080", "127.0.0.1:8080", false},
        {"127.0.0.1:8080", "ftp://127.0.0.1:8080", false},
        {"test", "http://test.evil.example", false},
    };
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        char text[600];
        snprintf(text, sizeof text,
                 "PUT /key/p HTTP/1.1\r\nHost: %s\r\nOrigin: %s\r\nContent-Length: 1\r\n\r\nx",
                 pages[i].host, pages[i].origin);
        int status = status_of(text);
        if (status != (pages[i].ours ? 200 : 403))
            print_error("%s: %d\n", text, status);
        assert_int_equal(status, pages[i].ours ? 200 : 403);
        snprintf(text, sizeof text, "GET /client HTTP/1.1\r\nHost: %s\r\nOrigin: %s\r\n%s\r\n",
                 pages[i].host, pages[i].origin, UPGRADE);
        assert_int_equal(status_of(text), pages[i].ours ? 101 : 403);
    }
    /* Hosts that are strangers' are no better for being equal. */
    assert_int_equal(status_of("DELETE /key/p HTTP/1.1\r\nHost: evil.example\r\n"
                               "Origin: http://evil.example\r\n\r\n"),
                     421);
}

/* ---- Upgrades ---- */

static void a_websocket_follows_other_requests(void **state)
{
    for (int pipelined = 0; pipelined < 2; pipelined++) {
        int fd = http_connect();
        for (int i = 0; i < 3; i++)
            assert_int_equal(status_on(fd, "GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n"), 200);
        send_text(fd, pipelined ? "PUT /key/w HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\n\r\nx"
                                  "GET http://test/client HTTP/1.1\r\nHost: test\r\n" UPGRADE "\r\n"
                                : "GET /client HTTP/1.1\r\nHost: test\r\n" UPGRADE "\r\n");
        for (int i = pipelined; i >= 0; i--) {
            struct response response = receive_response(fd, i == 0);
            assert_int_equal(response.status, i == 0 ? 101 : 200);
            response_free(&response);
        }
        ws_send(fd, "{\"APIRequest\":{\"Get\":\"none\"}}");
        ws_expect(fd, "{\"request\":{\"Get\":\"none\"},\"response\":{\"Get\":{\"key\":\"none\"}}}");
        close(fd);
    }
}

/* Frames that come together with the handshake are not lost. */
static void frames_may_come_with_the_handshake(void **state)
{
    enum { MESSAGES = 3000 };
    static const char text[] = "{\"APIRequest\":{\"Get\":\"none\"}}";
    static uint8_t all[400 + MESSAGES * (sizeof text + 6)];
    static const uint8_t mask[4] = {9, 8, 7, 6};
    for (int messages = 1; messages <= MESSAGES; messages *= 50) {
        uint8_t *at = all;
        at += sprintf((char *)at, "GET /client HTTP/1.1\r\nHost: test\r\n" UPGRADE "\r\n");
        for (int i = 0; i < messages; i++) {
            *at++ = 0x81;
            *at++ = 0x80 | (sizeof text - 1);
            memcpy(at, mask, 4);
            at += 4;
            for (size_t b = 0; b < sizeof text - 1; b++)
                *at++ = (uint8_t)text[b] ^ mask[b % 4];
        }
        int fd = http_connect();
        send_bytes(fd, all, (size_t)(at - all));
        struct response response = receive_response(fd, true);
        assert_int_equal(response.status, 101);
        response_free(&response);
        for (int i = 0; i < messages; i++)
            ws_expect(fd, "{\"request\":{\"Get\":\"none\"},"
                          "\"response\":{\"Get\":{\"key\":\"none\"}}}");
        close(fd);
    }
}

static void half_an_upgrade_is_refused(void **state)
{
#define CLIENT(headers) "GET /client HTTP/1.1\r\nHost: test\r\n" headers "\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
    static const struct {
        const char *text;
        int status;
    } upgrades[] = {
        {CLIENT(""), 400},
        {CLIENT("Upgrade: websocket\r\n" KEY VERSION), 400},
        {CLIENT("Connection: Upgrade\r\n" KEY VERSION), 400},
        {CLIENT("Connection: Upgrade\r\nUpgrade: h2c\r\n" KEY VERSION), 400},
        {CLIENT("Connection: Upgrade\r\nUpgrade: websocket\r\n" VERSION), 400},
        {CLIENT("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n" VERSION),
         400},
        {CLIENT("Connection: Upgrade\r\nUpgrade: websocket\r\n" KEY KEY VERSION), 400},
        {CLIENT("Connection: Upgrade\r\nUpgrade: websocket\r\n" KEY), 426},
        {CLIENT("Connection: Upgrade\r\nUpgrade: websocket\r\n" KEY "Sec-WebSocket-Version: 8\r\n"),
         426},
        {CLIENT("Content-Length: 1\r\n" UPGRADE) "x", 400},
        {CLIENT("Transfer-Encoding: chunked\r\n" UPGRADE) "0\r\n\r\n", 400},
        {"GET /client HTTP/1.0\r\nHost: test\r\n" UPGRADE "\r\n", 400},
        {"GET /client?x=1 HTTP/1.1\r\nHost: test\r\n" UPGRADE "\r\n", 400},
        {"POST /client HTTP/1.1\r\nHost: test\r\n" UPGRADE "\r\n", 405},
        {"GET /key/none HTTP/1.1\r\nHost: test\r\n" UPGRADE "\r\n", 404},
        {CLIENT("Connection: x\r\nConnection: UPGRADE\r\nUpgrade: x, WebSocket\r\n" KEY VERSION),
         101},
    };
    for (size_t i = 0; i < sizeof upgrades / sizeof *upgrades; i++) {
        int status = status_of(upgrades[i].text);
        if (status != upgrades[i].status)
            print_error("%s: %d\n", upgrades[i].text, status);
        assert_int_equal(status, upgrades[i].status);
    }
    expect_header("GET", "/client",
                  "Connection: Upgrade\r\nUpgrade: websocket\r\n" KEY
                  "Sec-WebSocket-Version: 8\r\n",
                  NULL, 426, "Sec-WebSocket-Version", "13");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, harness_reset)
    const struct CMUnitTest tests[] = {
        TEST(only_its_own_names_are_served),      TEST(only_its_own_pages_are_served),
        TEST(a_websocket_follows_other_requests), TEST(frames_may_come_with_the_handshake),
        TEST(half_an_upgrade_is_refused),
    };
    return cmocka_run_group_tests(tests, harness_start, harness_stop);
}
