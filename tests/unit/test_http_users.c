/* As whom requests act, with which tokens, and which pages may send them. */
#include "test_http_harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNKNOWN "qfst_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void come_as(enum owner_kind kind, uint32_t uid)
{
    harness_set_owner((struct owner){.kind = kind, .uid = uid, .gid = uid});
}

/* ---- Users ---- */

static void root_is_not_checked(void **state)
{
    fake.may_status = -EACCES;
    expect("PUT", "/key/k", "", "v", 200, NULL);
    expect("GET", "/key/k", "", NULL, 200, NULL);
    expect("GET", "/keys", "", NULL, 200, NULL);
    assert_int_equal(fake.commands_as, 0);
    assert_int_equal(fake.reads_confirmed, 0);
    come_as(OWNER_PROCESS, 0);
    expect("GET", "/key/k", "", NULL, 200, NULL);
    expect("GET", "/tokens", "", NULL, 200, "{\"Multiple\":[]}");
}

static void commands_of_others_say_as_whom(void **state)
{
    static const struct {
        enum owner_kind kind;
        int uid, as;
    } rows[] = {
        {OWNER_PROCESS, 1000, 1000},
        {OWNER_USER, 65000, 65000}, /* whom the user database does not know */
        {OWNER_USER, 1, 1},         /* whom it does: daemon */
        {OWNER_UNKNOWN, 0, OWNER_NOBODY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int before = fake.commands_as;
        come_as(rows[i].kind, (uint32_t)rows[i].uid);
        expect("PUT", "/key/k", "", "v", 200, "{\"Single\":{\"key\":\"k\"}}");
        expect("POST", "/key", "", "{\"key\":\"k\",\"value\":\"w\"}", 200,
               "{\"Single\":{\"key\":\"k\",\"value\":\"w\",\"overwritten_value\":\"v\"}}");
        expect("POST", "/txn", "",
               "{\"if\":[{\"key\":\"k\",\"exists\":true}],\"then\":[{\"put\":{\"key\":\"k\","
               "\"value\":\"x\"}}],\"else\":[]}",
               200, NULL);
        expect("DELETE", "/keys", "", "{\"Multiple\":[{\"key\":\"k\"}]}", 400, NULL);
        expect("DELETE", "/key/k", "", NULL, 200,
               "{\"Single\":{\"key\":\"k\",\"exists\":true,\"overwritten_value\":\"x\"}}");
        assert_int_equal(fake.commands_as - before, 4);
        assert_int_equal(fake.as_uid, rows[i].as);
    }
}

static void a_failure_is_told_of_the_right_key(void **state)
{
    harness_put("dir/a", bytes_of_text("v"), S_IFREG | 0644);
    come_as(OWNER_PROCESS, 1000);
    expect_error("POST", "/keys", "",
                 "[{\"key\":\"a\",\"value\":\"\"},{\"key\":\"dir\",\"value\":\"\"}]", 409,
                 "\"key\":\"dir\"");
}

static void what_may_not_be_read_is_refused(void **state)
{
    static const struct {
        int status, http;
    } rows[] = {{-EACCES, 403}, {-EROFS, 403}, {-EKEYREVOKED, 401}};
    harness_put("k", bytes_of_text("v"), S_IFREG | 0644);
    come_as(OWNER_PROCESS, 1000);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fake.may_status = rows[i].status;
        expect_error("GET", "/key/k", "", NULL, rows[i].http, "\"key\":\"k\"");
        expect_error("GET", "/key/k", "Accept: application/octet-stream\r\n", NULL, rows[i].http,
                     "");
        expect_error("PUT", "/key/k", "If-Match: \"7\", \"8\"\r\n", "w", rows[i].http, "");
        fake.write_status = rows[i].status;
        expect_error("PUT", "/key/k", "", "w", rows[i].http, "\"key\":\"k\"");
        fake.write_status = 0;
    }
    fake.may_status = 0;
    expect("GET", "/key/k", "", NULL, 200, NULL);
}

/* The rights of others than root are never older than a change that has returned. */
static void reads_of_others_are_confirmed(void **state)
{
    harness_put("k", bytes_of_text("v"), S_IFREG | 0644);
    come_as(OWNER_PROCESS, 1000);
    static const char *const paths[] = {
        "/key/k", "/key/k?consistency=cached", "/key/k?consistency=local", "/keys", "/locks",
        "/leases"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        int before = fake.reads_confirmed;
        expect("GET", paths[i], "", NULL, 200, NULL);
        assert_int_equal(fake.reads_confirmed, before + 1);
    }
    fake.read_outcome = REPLICA_NO_QUORUM;
    expect("GET", "/key/k", "", NULL, 503, NULL);
    expect("GET", "/key/k?consistency=linearizable", "", NULL, 503, NULL);
    expect("GET", "/key/k?consistency=local", "", NULL, 200, NULL);
    expect("GET", "/key/k?consistency=cached", "", NULL, 200, NULL);
}

static void clients_of_other_machines_need_a_token(void **state)
{
    static const char *const paths[] = {"/key/k", "/keys",  "/status", "/metrics", "/ping",
                                        "/locks", "/watch", "/client", "/tokens",  "/none"};
    come_as(OWNER_ELSEWHERE, 0);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        expect_header("GET", paths[i], "", NULL, 401, "WWW-Authenticate",
                      "Bearer realm=\"quorumfs\"");
    expect("PUT", "/key/k", "", "v", 401, NULL);
    expect("GET", "/healthz", "", NULL, 200, NULL);
    expect("GET", "/readyz", "", NULL, 200, NULL);
    harness_set_clients_as((struct config_user){.given = true, .uid = 1000, .gid = 1000});
    expect("PUT", "/key/k", "", "v", 200, NULL);
    assert_int_equal(fake.as_uid, 1000);
    harness_set_clients_as((struct config_user){.given = true, .named = true, .uid = 1, .gid = 1});
    expect("PUT", "/key/k", "", "v", 200, NULL);
    assert_int_equal(fake.as_uid, 1);
    harness_set_clients_as((struct config_user){.given = true, .uid = 0, .gid = 0});
    expect("GET", "/tokens", "", NULL, 200, NULL);
}

static void too_many_groups_are_refused(void **state)
{
    come_as(OWNER_CROWDED, 1000);
    expect_error("GET", "/key/k", "", NULL, 403, "groups");
    come_as(OWNER_CROWDED, 0);
    expect("GET", "/key/k", "", NULL, 404, NULL);
}

/* Several requests come while the user is being looked up. */
static void requests_wait_for_their_user(void **state)
{
    int fds[8];
    for (int i = 0; i < 8; i++) {
        come_as(OWNER_USER, 60000 + (uint32_t)i / 2);
        fds[i] = http_connect();
        send_text(fds[i], "PUT /key/a HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\n\r\nx"
                          "GET /key/a HTTP/1.1\r\nHost: test\r\n\r\n");
    }
    for (int i = 0; i < 8; i++) {
        for (int r = 0; r < 2; r++) {
            struct response response = receive_response(fds[i], false);
            assert_int_equal(response.status, 200);
            response_free(&response);
        }
        close(fds[i]);
    }
    assert_int_equal(fake.commands_as, 8);
}

/* ---- Tokens ---- */

/* Adds one, whose text it puts behind "Authorization: Bearer ". */
static void add_token(const char *body, char header[128])
{
    struct response response = request("POST", "/tokens", "", body);
    assert_int_equal(response.status, 200);
    const char *token = strstr(response.body, "\"token\":\"");
    assert_non_null(token);
    snprintf(header, 128, "Authorization: Bearer %.48s\r\n", token + strlen("\"token\":\""));
    assert_memory_equal(header + 22, "qfst_", 5);
    response_free(&response);
}

static void a_token_acts_as_its_user(void **state)
{
    char header[128];
    add_token(
        "{\"name\":\"app\",\"uid\":1000,\"gids\":[1000,7],\"path\":\"a/b\",\"read_only\":true}",
        header);
    expect("GET", "/tokens", "", NULL, 200,
           "{\"Multiple\":[{\"name\":\"app\",\"uid\":1000,\"gids\":[1000,7],\"path\":\"a/b\","
           "\"read_only\":true,\"made\":\"1994-11-06T08:49:37Z\"}]}");
    come_as(OWNER_ELSEWHERE, 0);
    expect("PUT", "/key/k", header, "v", 200, NULL);
    assert_int_equal(fake.as_uid, 1000);
    assert_true(fake.as_token > 0);
    expect("GET", "/key/k", header, NULL, 200, NULL);
    expect("GET", "/status", header, NULL, 200, NULL);
    expect("GET", "/tokens", header, NULL, 403, NULL);
    expect("GET", "/healthz", "Authorization: Bearer x\r\n", NULL, 200, NULL);
    come_as(OWNER_USER, 0); /* then it counts as well */
    expect("GET", "/tokens", header, NULL, 403, NULL);
    expect("DELETE", "/tokens/app", "", NULL, 200, "{\"Single\":{\"name\":\"app\"}}");
    expect("GET", "/key/k", header, NULL, 401, NULL);
}

static void tokens_are_confirmed_before_they_are_refused(void **state)
{
    char header[128];
    add_token("{\"name\":\"app\",\"uid\":1000,\"gids\":[1000]}", header);
    come_as(OWNER_ELSEWHERE, 0);
    for (int later = 0; later < 2; later++) {
        fake.answers = later ? FAKE_LATER : FAKE_AT_ONCE;
        fake.tokens_late = 1; /* it was added at another node a moment ago */
        expect("PUT", "/key/k", header, "v", 200, NULL);
        assert_int_equal(fake.tokens_late, 0);
        expect_header("PUT", "/key/k", "Authorization: Bearer " UNKNOWN "\r\n", "v", 401,
                      "WWW-Authenticate", "Bearer realm=\"quorumfs\", error=\"invalid_token\"");
        fake.read_outcome = REPLICA_NO_QUORUM;
        expect("GET", "/key/k", "Authorization: Bearer " UNKNOWN "\r\n", NULL, 503, NULL);
        fake.read_outcome = REPLICA_DONE;
    }
}

static void a_token_has_a_time(void **state)
{
    char header[128];
    add_token("{\"name\":\"app\",\"uid\":1000,\"gids\":[1000],\"ttl\":\"1h\"}", header);
    expect("GET", "/keys", header, NULL, 200, NULL);
    fake.tokens_expired = true;
    expect_error("GET", "/keys", header, NULL, 401, "expired");
}

/* Without a quorum, nobody knows whether a token was removed. */
static void tokens_need_a_quorum(void **state)
{
    char header[128];
    add_token("{\"name\":\"app\",\"uid\":1000,\"gids\":[1000]}", header);
    harness_put("k", bytes_of_text("v"), S_IFREG | 0644);
    fake.read_outcome = REPLICA_NO_QUORUM;
    expect("GET", "/key/k?consistency=local", header, NULL, 503, NULL);
    expect("GET", "/key/k?consistency=cached", header, NULL, 503, NULL);
}

static void a_client_may_leave_while_its_token_is_looked_for(void **state)
{
    fake.answers = FAKE_HELD;
    int fd = http_connect();
    send_text(fd, "GET /key/k HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer " UNKNOWN "\r\n\r\n");
    while (fake.held == 0)
        usleep(1000);
    close(fd);
    fake.answers = FAKE_AT_ONCE;
    while (fake.held > 0)
        usleep(1000);
    expect("GET", "/healthz", "", NULL, 200, NULL);
}

static void malformed_credentials_are_refused(void **state)
{
    static const struct {
        const char *header;
        int status;
    } rows[] = {
        {"Authorization: Bearer\r\n", 401},
        {"Authorization: Bearer \r\n", 401},
        {"Authorization: bearer x\r\n", 401},
        {"Authorization: Bearer qfst_\r\n", 401},
        {"Authorization: Bearer " UNKNOWN "A\r\n", 401},
        {"Authorization: Bearer  " UNKNOWN "\r\n", 401},
        {"Authorization: Bearer " UNKNOWN " x\r\n", 401},
        {"Authorization: Basic eDp5\r\n", 404}, /* that of a proxy */
        {"Authorization: Bearer " UNKNOWN "\r\nAuthorization: Bearer " UNKNOWN "\r\n", 400},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect("GET", "/key/k", rows[i].header, NULL, rows[i].status, NULL);
}

static void malformed_tokens_are_not_made(void **state)
{
    static const char *const bodies[] = {
        "{}",
        "[]",
        "{\"name\":\"a\",\"uid\":1}",
        "{\"name\":\"a\",\"gids\":[1]}",
        "{\"uid\":1,\"gids\":[1]}",
        "{\"name\":\"a\",\"uid\":1,\"gids\":[]}",
        "{\"name\":\"a\",\"uid\":-1,\"gids\":[1]}",
        "{\"name\":\"a\",\"uid\":1.5,\"gids\":[1]}",
        "{\"name\":\"a\",\"uid\":4294967295,\"gids\":[1]}",
        "{\"name\":\"a\",\"uid\":1,\"gids\":[\"1\"]}",
        "{\"name\":\"a\",\"uid\":1,\"gids\":1}",
        "{\"name\":\"\",\"uid\":1,\"gids\":[1]}",
        "{\"name\":\"a/b\",\"uid\":1,\"gids\":[1]}",
        "{\"name\":\"a\",\"uid\":1,\"gids\":[1],\"path\":\"/a\"}",
        "{\"name\":\"a\",\"uid\":1,\"gids\":[1],\"path\":\".quorumfs\"}",
        "{\"name\":\"a\",\"uid\":1,\"gids\":[1],\"ttl\":\"never\"}",
        "{\"name\":\"a\",\"uid\":1,\"gids\":[1],\"read_only\":1}",
        "{\"name\":\"a\",\"uid\":1,\"gids\":[1],\"admin\":true}",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        expect("POST", "/tokens", "", bodies[i], 400, NULL);
    expect("GET", "/tokens", "", NULL, 200, "{\"Multiple\":[]}");
    char header[128];
    add_token("{\"name\":\"a\",\"uid\":0,\"gids\":[0],\"ttl\":\"1h\"}", header);
    expect("POST", "/tokens", "", "{\"name\":\"a\",\"uid\":0,\"gids\":[0]}", 409, NULL);
    expect("DELETE", "/tokens/none", "", NULL, 404, NULL);
    expect("DELETE", "/tokens/a%2Fb", "", NULL, 404, NULL);
}

/* ---- Pages ---- */

#define BROWSER "User-Agent: Mozilla/5.0 (X11; Linux x86_64) Firefox/60.0\r\n"

static void what_a_foreign_page_can_send_is_refused(void **state)
{
    static const struct {
        const char *method, *headers;
        int status;
    } rows[] = {
        {"POST", "Sec-Fetch-Site: cross-site\r\n", 403},
        {"POST", "Sec-Fetch-Site: same-site\r\n", 403},
        {"POST", "Sec-Fetch-Site: \r\n", 403},
        {"POST",
         "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n"
         "Sec-Fetch-Dest: document\r\n",
         403},
        {"POST", "Origin: null\r\n", 403},
        {"POST", "Origin: http://evil.example\r\nSec-Fetch-Site: same-origin\r\n", 403},
        {"POST", "Origin: http://test\r\nOrigin: http://test\r\n", 400},
        {"POST", "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: none\r\n", 400},
        /* Forms of old browsers. */
        {"POST", BROWSER, 403},
        {"POST", BROWSER "Content-Type: text/plain\r\n", 403},
        {"POST", BROWSER "Content-Type: text/plain;charset=UTF-8\r\n", 403},
        {"POST", BROWSER "Content-Type: Application/x-www-form-urlencoded\r\n", 403},
        {"POST", BROWSER "Content-Type: multipart/form-data; boundary=x\r\n", 403},
        {"POST", BROWSER "Content-Type: application/json\r\n", 200}, /* it would have asked first */
        {"POST", BROWSER "Content-Type: text/plain\r\nOrigin: http://test\r\n", 200},
        {"POST", "Content-Type: application/x-www-form-urlencoded\r\n", 200}, /* curl -d */
        {"POST", "User-Agent: curl/7.88.1\r\n", 200},
        {"POST", "Sec-Fetch-Site: same-origin\r\n", 200},
        {"POST", "Sec-Fetch-Site: none\r\n", 200},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct response response =
            request(rows[i].method, "/key", rows[i].headers, "{\"key\":\"k\",\"value\":\"v\"}");
        if (response.status != rows[i].status)
            print_error("%s: %d\n", rows[i].headers, response.status);
        assert_int_equal(response.status, rows[i].status);
        response_free(&response);
    }
}

static void what_a_foreign_page_can_show_is_refused(void **state)
{
    static const struct {
        const char *headers;
        int status;
    } rows[] = {
        {"Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n", 403},
        {"Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: script\r\n", 403},
        {"Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n",
         403},
        {"Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: document\r\n", 403},
        {"Sec-Fetch-Site: cross-site\r\n", 403},
        /* A link: the page does not see what it leads to. */
        {"Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n",
         200},
        {BROWSER, 200},
    };
    static const char *const paths[] = {"/key/k", "/keys", "/status", "/metrics", "/locks"};
    harness_put("k", bytes_of_text("v"), S_IFREG | 0644);
    for (size_t p = 0; p < sizeof paths / sizeof *paths; p++)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            expect("GET", paths[p], rows[i].headers, NULL, rows[i].status, NULL);
}

/* Also errors, and answers to malformed requests. */
static void no_answer_can_be_taken_for_a_script(void **state)
{
    static const char *const paths[] = {"/key/k", "/keys", "/metrics", "/none", "/key/"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct response response = request("GET", paths[i], "", NULL);
        assert_string_equal(response_header(&response, "X-Content-Type-Options"), "nosniff");
        assert_string_equal(response_header(&response, "Cross-Origin-Resource-Policy"),
                            "same-origin");
        assert_string_equal(response_header(&response, "Cache-Control"), "private, no-cache");
        response_free(&response);
    }
    int fd = http_connect();
    send_text(fd, "nonsense\r\n\r\n");
    struct response response = receive_response(fd, false);
    assert_string_equal(response_header(&response, "X-Content-Type-Options"), "nosniff");
    response_free(&response);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(root_is_not_checked, harness_reset),
        cmocka_unit_test_setup(commands_of_others_say_as_whom, harness_reset),
        cmocka_unit_test_setup(a_failure_is_told_of_the_right_key, harness_reset),
        cmocka_unit_test_setup(what_may_not_be_read_is_refused, harness_reset),
        cmocka_unit_test_setup(reads_of_others_are_confirmed, harness_reset),
        cmocka_unit_test_setup(clients_of_other_machines_need_a_token, harness_reset),
        cmocka_unit_test_setup(too_many_groups_are_refused, harness_reset),
        cmocka_unit_test_setup(requests_wait_for_their_user, harness_reset),
        cmocka_unit_test_setup(a_token_acts_as_its_user, harness_reset),
        cmocka_unit_test_setup(tokens_are_confirmed_before_they_are_refused, harness_reset),
        cmocka_unit_test_setup(a_token_has_a_time, harness_reset),
        cmocka_unit_test_setup(tokens_need_a_quorum, harness_reset),
        cmocka_unit_test_setup(a_client_may_leave_while_its_token_is_looked_for, harness_reset),
        cmocka_unit_test_setup(malformed_credentials_are_refused, harness_reset),
        cmocka_unit_test_setup(malformed_tokens_are_not_made, harness_reset),
        cmocka_unit_test_setup(what_a_foreign_page_can_send_is_refused, harness_reset),
        cmocka_unit_test_setup(what_a_foreign_page_can_show_is_refused, harness_reset),
        cmocka_unit_test_setup(no_answer_can_be_taken_for_a_script, harness_reset),
    };
    return cmocka_run_group_tests(tests, harness_start, harness_stop);
}
