/* Keys with a ttl, and leases: requests and answers. JSON is written here with ' for ". */
#include "test_http_harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *json(const char *text)
{
    char *copy = strdup(text);
    assert_non_null(copy);
    for (char *c = copy; *c; c++)
        if (*c == '\'')
            *c = '"';
    return copy;
}

static void answers(const char *method, const char *path, const char *body, int status,
                    const char *answer)
{
    char *b = body ? json(body) : NULL, *a = json(answer);
    expect(method, path, "", b, status, a);
    free(b);
    free(a);
}

static void refuses(const char *method, const char *path, const char *body, int status,
                    const char *text)
{
    char *b = body ? json(body) : NULL, *t = json(text);
    expect_error(method, path, "", b, status, t);
    free(b);
    free(t);
}

/* Takes a lease and puts its id into a path. */
static void grant(const char *ttl, char path[64])
{
    char body[64];
    snprintf(body, sizeof body, "{\"ttl\":\"%s\"}", ttl);
    struct response response = request("POST", "/lease", "", body);
    assert_int_equal(response.status, 200);
    char id[17], rest[64];
    assert_int_equal(sscanf(response.body, "{\"Single\":{\"id\":\"%16[0-9a-f]\",%63s", id, rest),
                     2);
    char expected[64];
    snprintf(expected, sizeof expected, "\"ttl\":\"%s\"}}", ttl);
    assert_string_equal(rest, expected);
    snprintf(path, 64, "/lease/%s", id);
    response_free(&response);
}

static void a_put_gives_a_ttl(void **state)
{
    answers("PUT", "/key/k?ttl=30s", "v", 200, "{'Single':{'key':'k'}}");
    answers("GET", "/key/k", NULL, 200,
            "{'Single':{'key':'k','exists':true,'value':'v','ttl':'30s','expires_in':'12s'}}");
    answers("PUT", "/key/k", "w", 200, "{'Single':{'key':'k'}}");
    answers("GET", "/key/k", NULL, 200,
            "{'Single':{'key':'k','exists':true,'value':'w','ttl':'30s','expires_in':'12s'}}");
    answers("PUT", "/key/k?ttl=none", "x", 200, "{'Single':{'key':'k'}}");
    answers("GET", "/key/k", NULL, 200, "{'Single':{'key':'k','exists':true,'value':'x'}}");
    answers("POST", "/key", "{'key':'k','value':'y','ttl':'90s'}", 200,
            "{'Single':{'key':'k','value':'y','overwritten_value':'x'}}");
    answers("GET", "/key/k", NULL, 200,
            "{'Single':{'key':'k','exists':true,'value':'y','ttl':'90s','expires_in':'12s'}}");
}

static void wrong_ttls_are_refused(void **state)
{
    static const char *const wrong[] = {"",
                                        "5",
                                        "s",
                                        "-5s",
                                        "5 s",
                                        "1w",
                                        "99ms",
                                        "3661d",
                                        "0s",
                                        "1.5s",
                                        "5S",
                                        "none ",
                                        "9999999999999999d"};
    char path[64], body[100];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(path, sizeof path, "/key/k?ttl=%s", wrong[i]);
        for (char *c = path; *c; c++)
            if (*c == ' ')
                *c = '+';
        refuses("PUT", path, "v", 400, "ttl must be a time from 100ms to 3660d");
        snprintf(body, sizeof body, "{'ttl':'%s'}", wrong[i]);
        refuses("POST", "/lease", body, 400, "ttl must be a time from 100ms to 3660d");
        snprintf(body, sizeof body, "{'key':'k','value':'','ttl':'%s'}", wrong[i]);
        refuses("POST", "/key", body, 400, "ttl must be a time from 100ms to 3660d");
    }
    refuses("POST", "/lease", "{'ttl':'none'}", 400, "ttl must be a time");
    refuses("POST", "/lease", "{'ttl':10}", 400, "expected {");
    refuses("POST", "/lease", "{}", 400, "expected {");
    refuses("POST", "/lease", "[]", 400, "expected {");
    refuses("POST", "/lease", "{'ttl':'1s','id':'x'}", 400, "expected {");
    refuses("POST", "/lease", "", 400, "malformed JSON");
    refuses("POST", "/key", "{'key':'k','value':'','ttl':30}", 400, "must be a string");
    answers("GET", "/key/k", NULL, 404, "{'Single':{'key':'k','exists':false}}");
}

static void a_key_goes_with_its_lease(void **state)
{
    char path[64], put[100], body[200], answer[300];
    grant("10s", path);
    const char *id = path + 7;
    snprintf(put, sizeof put, "/key/a?lease=%s", id);
    answers("PUT", put, "1", 200, "{'Single':{'key':'a'}}");
    snprintf(body, sizeof body, "{'if':[],'then':[{'put':{'key':'b','value':'2','lease':'%s'}}]}",
             id);
    answers("POST", "/txn", body, 200,
            "{'Transaction':{'succeeded':true,'revision':3,'results':["
            "{'put':{'key':'b','value':'2'}}]}}");
    expect("PUT", "/key/c", "", "3", 200, NULL);
    snprintf(answer, sizeof answer, "{'Single':{'key':'a','exists':true,'value':'1','lease':'%s'}}",
             id);
    answers("GET", "/key/a", NULL, 200, answer);
    snprintf(
        answer, sizeof answer,
        "{'Single':{'id':'%s','ttl':'10s','expires_in':'12s','keys':[{'key':'a'},{'key':'b'}]}}",
        id);
    answers("GET", path, NULL, 200, answer);
    snprintf(answer, sizeof answer, "{'Single':{'id':'%s','ttl':'10s'}}", id);
    answers("POST", path, "", 200, answer);
    snprintf(answer, sizeof answer, "{'Single':{'id':'%s','deleted':2}}", id);
    answers("DELETE", path, NULL, 200, answer);
    answers("GET", "/key/a", NULL, 404, "{'Single':{'key':'a','exists':false}}");
    answers("GET", "/key/b", NULL, 404, "{'Single':{'key':'b','exists':false}}");
    expect("GET", "/key/c", "", NULL, 200, NULL);
}

static void a_lease_that_is_over_is_not_found(void **state)
{
    char path[64], put[100], body[200];
    grant("10s", path);
    expect("DELETE", path, "", NULL, 200, NULL);
    refuses("DELETE", path, NULL, 404, "it is over, or never was");
    refuses("GET", path, NULL, 404, "it is over, or never was");
    refuses("POST", path, "", 404, "it is over, or never was");
    snprintf(put, sizeof put, "/key/a?lease=%s", path + 7);
    refuses("PUT", put, "1", 410, "the lease is over, or never was: nothing was changed");
    snprintf(body, sizeof body, "{'key':'a','value':'1','lease':'%s'}", path + 7);
    refuses("POST", "/key", body, 410, "the lease is over");
    answers("GET", "/key/a", NULL, 404, "{'Single':{'key':'a','exists':false}}");
    static const char *const ids[] = {"",
                                      "1",
                                      "000000000000000g",
                                      "0000000000000000",
                                      "8000000000000000",
                                      "00000000000000001",
                                      "../key/a"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        snprintf(path, sizeof path, "/lease/%s", ids[i]);
        refuses("GET", path, NULL, 404, "no lease can have this id");
        refuses("POST", path, "", 404, "no lease can have this id");
        refuses("DELETE", path, NULL, 404, "no lease can have this id");
        snprintf(put, sizeof put, "/key/a?lease=%s", ids[i]);
        refuses("PUT", put, "1", 400, "lease must be an id that POST /lease has given");
    }
    refuses("PUT", "/key/a?ttl=5s&lease=0000000000000001", "1", 400, "give only one");
}

/* With If-None-Match, a key that goes with its lease is a lock; its token is the ETag. */
static void a_key_with_a_lease_is_a_lock(void **state)
{
    char mine[64], other[64], put[100];
    grant("10s", mine);
    grant("10s", other);
    snprintf(put, sizeof put, "/key/lock?lease=%s", mine + 7);
    expect_header("PUT", put, "If-None-Match: *\r\n", "me", 200, "ETag", "\"3\"");
    snprintf(put, sizeof put, "/key/lock?lease=%s", other + 7);
    expect_error("PUT", put, "If-None-Match: *\r\n", "you", 412, "the condition does not hold");
    expect("DELETE", mine, "", NULL, 200, NULL);
    expect("PUT", put, "If-None-Match: *\r\n", "you", 200, NULL);
    expect("PUT", "/key/lock", "", "stays", 200, NULL); /* a PUT without the lease loosens it */
    expect("DELETE", other, "", NULL, 200, NULL);
    answers("GET", "/key/lock", NULL, 200,
            "{'Single':{'key':'lock','exists':true,'value':'stays'}}");
}

static void leases_are_listed_in_pages(void **state)
{
    char path[64];
    answers("GET", "/leases", NULL, 200, "{'Multiple':[]}");
    for (int i = 0; i < 3; i++)
        grant("10s", path);
    struct response page = request("GET", "/leases?limit=2", "", NULL);
    char first[17], second[17], next[100];
    assert_int_equal(page.status, 200);
    assert_int_equal(
        sscanf(page.body,
               "{\"Multiple\":[{\"id\":\"%16[0-9a-f]\",\"ttl\":\"10s\",\"expires_in\":\"12s\","
               "\"keys\":0},{\"id\":\"%16[0-9a-f]\",\"ttl\":\"10s\",\"expires_in\":\"12s\","
               "\"keys\":0}],\"more\":true,\"next\":\"%99[^\"]",
               first, second, next),
        3);
    assert_true(strcmp(first, second) < 0);
    response_free(&page);
    page = request("GET", next, "", NULL);
    assert_int_equal(page.status, 200);
    assert_non_null(strstr(page.body, "\"id\""));
    assert_null(strstr(page.body, "more"));
    assert_null(strstr(page.body, second));
    response_free(&page);
    refuses("GET", "/leases?after=x", NULL, 400, "after must be the id of a lease");
}

static void limits_and_failures_have_their_status(void **state)
{
    char path[64];
    grant("10s", path);
    fake.write_status = -EDQUOT;
    refuses("PUT", "/key/a?ttl=5s", "1", 507, "as there can be");
    fake.write_status = -EMLINK;
    refuses("PUT", "/key/a?ttl=5s", "1", 409, "too many names");
    fake.write_status = -EEXIST;
    refuses("POST", "/lease", "{'ttl':'10s'}", 503, "try again");
    fake.write_status = 0;
    fake.write_outcome = REPLICA_NO_QUORUM;
    refuses("POST", "/lease", "{'ttl':'10s'}", 503, "no quorum");
    refuses("POST", path, "", 503, "no quorum");
    refuses("DELETE", path, NULL, 503, "no quorum");
    fake.write_outcome = REPLICA_TIMEOUT;
    refuses("POST", path, "", 504, "the outcome is unknown");
    fake.write_outcome = REPLICA_UNSUPPORTED;
    refuses("PUT", "/key/a?ttl=5s", "1", 501, "node 3 runs an earlier version");
    fake.read_outcome = REPLICA_NO_QUORUM;
    refuses("GET", path, NULL, 503, "no quorum");
    refuses("GET", "/leases", NULL, 503, "no quorum");
}

static void a_websocket_gives_a_ttl(void **state)
{
    int fd = ws_open();
    ws_send(fd, "{\"APIRequest\":{\"Put\":{\"key\":\"k\",\"value\":\"v\",\"ttl\":\"30s\"}}}");
    ws_expect(fd, "{\"request\":{\"Put\":{\"key\":\"k\",\"value\":\"v\",\"ttl\":\"30s\"}},"
                  "\"response\":{\"Put\":{\"key\":\"k\",\"value\":\"v\"}}}");
    ws_send(fd, "{\"APIRequest\":{\"Put\":{\"key\":\"k\",\"value\":\"v\",\"lease\":"
                "\"0000000000000001\"}}}");
    size_t len;
    int code;
    char *text = ws_receive(fd, &len, &code);
    assert_non_null(strstr(text, "\"Error\":\"the lease is over, or never was"));
    free(text);
    answers("GET", "/key/k", NULL, 200,
            "{'Single':{'key':'k','exists':true,'value':'v','ttl':'30s','expires_in':'12s'}}");
}

#define LEASE_TEST(name) cmocka_unit_test_setup(name, harness_reset)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEASE_TEST(a_put_gives_a_ttl),
        LEASE_TEST(wrong_ttls_are_refused),
        LEASE_TEST(a_key_goes_with_its_lease),
        LEASE_TEST(a_lease_that_is_over_is_not_found),
        LEASE_TEST(a_key_with_a_lease_is_a_lock),
        LEASE_TEST(leases_are_listed_in_pages),
        LEASE_TEST(limits_and_failures_have_their_status),
        LEASE_TEST(a_websocket_gives_a_ttl),
    };
    return cmocka_run_group_tests(tests, harness_start, harness_stop);
}
