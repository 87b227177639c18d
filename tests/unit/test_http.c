/* The HTTP table of the interface, row by row. */
#include "test_http_harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RAW "Accept: application/octet-stream\r\n"

static void one_key_is_put_read_and_deleted(void **state)
{
    expect("GET", "/key/eat", "", NULL, 404, "{\"Single\":{\"key\":\"eat\",\"exists\":false}}");
    expect("POST", "/key", "", "{\"key\":\"eat\",\"value\":\"it\"}", 200,
           "{\"Single\":{\"key\":\"eat\",\"value\":\"it\"}}");
    expect("GET", "/key/eat", "", NULL, 200,
           "{\"Single\":{\"key\":\"eat\",\"exists\":true,\"value\":\"it\"}}");
    expect("POST", "/key", "", "{\"value\":\"up\", \"key\":\"eat\"}", 200,
           "{\"Single\":{\"key\":\"eat\",\"value\":\"up\",\"overwritten_value\":\"it\"}}");
    expect("DELETE", "/key/eat", "", NULL, 200,
           "{\"Single\":{\"key\":\"eat\",\"exists\":true,\"overwritten_value\":\"up\"}}");
    expect("DELETE", "/key/eat", "", NULL, 404, "{\"Single\":{\"key\":\"eat\",\"exists\":false}}");
}

static void several_keys_share_a_request(void **state)
{
    expect("POST", "/keys", "", "[{\"key\":\"A\",\"value\":\"1\"},{\"key\":\"B\",\"value\":\"2\"}]",
           200, "{\"Multiple\":[{\"key\":\"A\",\"value\":\"1\"},{\"key\":\"B\",\"value\":\"2\"}]}");
    expect("GET", "/keys", "", "[\"A\",\"none\",\"B\"]", 200,
           "{\"Multiple\":[{\"key\":\"A\",\"exists\":true,\"value\":\"1\"},"
           "{\"key\":\"none\",\"exists\":false},{\"key\":\"B\",\"exists\":true,\"value\":\"2\"}]}");
    expect("POST", "/keys", "", "[{\"key\":\"B\",\"value\":\"3\"}]", 200,
           "{\"Multiple\":[{\"key\":\"B\",\"value\":\"3\",\"overwritten_value\":\"2\"}]}");
    expect("DELETE", "/keys", "", "[\"A\",\"none\"]", 200,
           "{\"Multiple\":[{\"key\":\"A\",\"exists\":true,\"overwritten_value\":\"1\"},"
           "{\"key\":\"none\",\"exists\":false}]}");
    expect("GET", "/keys", "", "[\"A\"]", 200, "{\"Multiple\":[{\"key\":\"A\",\"exists\":false}]}");
}

static void paths_are_decoded_and_follow_the_tree(void **state)
{
    expect("PUT", "/key/etc/app/port", "", "80", 200, "{\"Single\":{\"key\":\"etc/app/port\"}}");
    expect("GET", "/key/etc%2Fapp%2fport", "", NULL, 200,
           "{\"Single\":{\"key\":\"etc/app/port\",\"exists\":true,\"value\":\"80\"}}");
    expect("PUT", "/key/a+b%20c%22", "", "x", 200, "{\"Single\":{\"key\":\"a+b c\\\"\"}}");
    expect("PUT", "/key/%C3%A9", "", "x", 200, "{\"Single\":{\"key\":\"\xC3\xA9\"}}");
    expect("PUT", "/key/%FF", "", "x", 200, "{\"Single\":{\"key_base64\":\"/w==\"}}");
    expect_error("GET", "/key/etc", "", NULL, 409, "is a directory");
    expect_error("PUT", "/key/etc", "", "x", 409, "is a directory");
    expect_error("PUT", "/key/etc/app/port/more", "", "x", 409, "a parent of the key is a file");
    expect_error("GET", "/key/etc/app/port/more", "", NULL, 409, "a parent of the key is a file");
    expect_error("POST", "/keys", "",
                 "[{\"key\":\"ok\",\"value\":\"\"},{\"key\":\"etc\",\"value\":\"\"}]", 409,
                 "{\"Multiple\":[{\"key\":\"etc\",\"error\"");
    expect("GET", "/keys", "", "[\"ok\",\"etc\"]", 200,
           "{\"Multiple\":[{\"key\":\"ok\",\"exists\":false},"
           "{\"key\":\"etc\",\"error\":\"the key is a directory\"}]}");
    harness_put("link", bytes_of_text("eat"), S_IFLNK | 0777);
    expect_error("GET", "/key/link", "", NULL, 409, "symbolic link");
    harness_put("pipe", bytes_of_text(""), S_IFIFO | 0644);
    expect_error("GET", "/key/pipe", "", NULL, 409, "not a regular file");
}

static void values_may_be_any_bytes(void **state)
{
    expect("POST", "/key", "", "{\"key\":\"b\",\"value_base64\":\"AP8=\"}", 200,
           "{\"Single\":{\"key\":\"b\",\"value_base64\":\"AP8=\"}}");
    expect("GET", "/key/b", "", NULL, 200,
           "{\"Single\":{\"key\":\"b\",\"exists\":true,\"value_base64\":\"AP8=\"}}");
    struct response raw = request("GET", "/key/b", RAW, NULL);
    assert_int_equal(raw.body_len, 2);
    assert_memory_equal(raw.body, "\0\xff", 2);
    assert_string_equal(response_header(&raw, "Content-Type"), "application/octet-stream");
    response_free(&raw);
    expect("PUT", "/key/b", "", "\x01\"\\\n\x7f", 200, "{\"Single\":{\"key\":\"b\"}}");
    expect("DELETE", "/key/b", "", NULL, 200,
           "{\"Single\":{\"key\":\"b\",\"exists\":true,"
           "\"overwritten_value\":\"\\u0001\\\"\\\\\\n\\u007f\"}}");
    expect("PUT", "/key/empty", "", "", 200, NULL);
    expect("GET", "/key/empty", "", NULL, 200,
           "{\"Single\":{\"key\":\"empty\",\"exists\":true,\"value\":\"\"}}");
    expect("GET", "/key/empty", RAW, NULL, 200, "");
    expect("GET", "/key/none", RAW, NULL, 404, "{\"Single\":{\"key\":\"none\",\"exists\":false}}");
}

/* The most that one value can have, in both forms, and back. */
static void the_largest_value_comes_back(void **state)
{
    char *value = malloc(VALUE_BYTES_MAX + 1);
    assert_non_null(value);
    for (size_t i = 0; i < VALUE_BYTES_MAX; i++)
        value[i] = (char)('a' + i % 26);
    value[VALUE_BYTES_MAX] = 0;
    expect("PUT", "/key/large", "", value, 200, "{\"Single\":{\"key\":\"large\"}}");
    struct response raw = request("GET", "/key/large", RAW, NULL);
    assert_int_equal(raw.body_len, VALUE_BYTES_MAX);
    assert_memory_equal(raw.body, value, VALUE_BYTES_MAX);
    response_free(&raw);
    struct response json = request("GET", "/key/large", "", NULL);
    assert_int_equal(json.status, 200);
    assert_memory_equal(json.body +
                            strlen("{\"Single\":{\"key\":\"large\",\"exists\":true,\"value\":\""),
                        value, VALUE_BYTES_MAX);
    response_free(&json);
    free(value);
    char *larger = calloc(1, VALUE_BYTES_MAX + 2);
    assert_non_null(larger);
    harness_put("larger", bytes_of(larger, VALUE_BYTES_MAX + 1), S_IFREG | 0644);
    expect_error("GET", "/key/larger", "", NULL, 413, "application/octet-stream");
    raw = request("GET", "/key/larger", RAW, NULL);
    assert_int_equal(raw.body_len, VALUE_BYTES_MAX + 1);
    response_free(&raw);
    free(larger);
}

static void head_has_the_headers_alone(void **state)
{
    expect("PUT", "/key/k", "", "four", 200, NULL);
    struct response head = request("HEAD", "/key/k", RAW, NULL);
    assert_int_equal(head.status, 200);
    assert_string_equal(response_header(&head, "Content-Length"), "4");
    assert_string_equal(response_header(&head, "ETag"), "\"1\"");
    response_free(&head);
    head = request("HEAD", "/key/none", "", NULL);
    assert_int_equal(head.status, 404);
    response_free(&head);
}

/* Once, and not what this node's clock shows. */
static void answers_have_the_date_of_the_cluster(void **state)
{
    static const char *const paths[] = {"/key/none", "/status", "/nothing"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct response response = request("GET", paths[i], "", NULL);
        assert_string_equal(response_header(&response, "Date"), "Sun, 06 Nov 1994 08:49:37 GMT");
        const char *first = strstr(response.headers, "Date:");
        assert_null(strstr(first + 1, "Date:"));
        response_free(&response);
    }
}

static void expect_etag(const char *method, const char *path, const char *body, const char *etag)
{
    struct response response = request(method, path, "", body);
    assert_string_equal(response_header(&response, "ETag"), etag);
    response_free(&response);
}

static void conditions_decide_about_a_change(void **state)
{
    expect("PUT", "/key/c", "If-None-Match: *\r\n", "1", 200, NULL);
    expect_error("PUT", "/key/c", "If-None-Match: *\r\n", "1", 412, "condition");
    expect_error("POST", "/key", "If-None-Match: *\r\n", "{\"key\":\"c\",\"value\":\"2\"}", 412,
                 "\"key\":\"c\"");
    expect_etag("GET", "/key/c", NULL, "\"+1\"");
    expect("PUT", "/key/c", "If-Match: \"1\"\r\n", "2", 200, NULL);
    expect_error("PUT", "/key/c", "If-Match: \"1\"\r\n", "3", 412, "condition");
    expect_error("PUT", "/key/c", "If-Match: \"abc\"\r\n", "3", 412, "condition");
    expect_error("PUT", "/key/none", "If-Match: *\r\n", "3", 412, "condition");
    expect_error("DELETE", "/key/c", "If-Match: \"1\"\r\n", NULL, 412, "condition");
    expect_error("DELETE", "/key/c", "If-None-Match: *\r\n", NULL, 412, "condition");
    expect("DELETE", "/key/c", "If-Match: \"2\"\r\n", NULL, 200, NULL);
    expect_error("PUT", "/key/c", "If-Match: 1\r\n", "3", 400, "in quotes");
    expect_error("POST", "/keys", "If-Match: *\r\n", "[{\"key\":\"c\",\"value\":\"\"}]", 400,
                 "with one key only");
    expect_etag("PUT", "/key/d", "1", "\"4\"");
    expect_etag("POST", "/key", "{\"key\":\"d\",\"value\":\"\"}", "\"5\"");
    expect("GET", "/key/d", "If-None-Match: \"+5\"\r\n", NULL, 304, "");
    expect("GET", "/key/d", "If-None-Match: \"+4\"\r\n", NULL, 200, NULL);
    expect_etag("DELETE", "/key/d", NULL, "\"6\"");
}

static void ping_names_every_peer(void **state)
{
    expect("GET", "/ping", "", NULL, 200,
           "{\"Multiple\":[{\"key\":\"2\",\"value\":\"Pinged peer node 2 successfully\"},"
           "{\"key\":\"3\",\"value\":\"Pinged peer node 3 successfully\"}]}");
    fake.peer_unreachable = true;
    expect("GET", "/ping", "", NULL, 200,
           "{\"Multiple\":[{\"key\":\"2\",\"error\":\"Peer node 2 did not answer\"},"
           "{\"key\":\"3\",\"error\":\"Peer node 3 did not answer\"}]}");
}

static void health_status_and_metrics_are_served(void **state)
{
    expect("GET", "/healthz", "", NULL, 200, "{\"healthy\":true}");
    expect("GET", "/readyz", "", NULL, 200, "{\"ready\":true}");
    fake.not_ready = true;
    expect("GET", "/readyz", "", NULL, 503,
           "{\"ready\":false,\"error\":\"2 of 3 nodes cannot be reached\"}");
    expect("GET", "/status", "", NULL, 200, "{\"node\":1}");
    struct response metrics = request("GET", "/metrics", "", NULL);
    assert_non_null(strstr(metrics.body, "quorumfs_applied 0\n"));
    assert_non_null(strstr(metrics.body, "\nquorumfs_http_requests_total "));
    assert_string_equal(response_header(&metrics, "Content-Type"),
                        "text/plain; version=0.0.4; charset=utf-8");
    response_free(&metrics);
}

static void expect_outcome(const char *method, const char *path, const char *body, int status,
                           const char *text, bool retry)
{
    struct response response = request(method, path, "", body);
    assert_int_equal(response.status, status);
    assert_non_null(strstr(response.body, text));
    assert_string_equal(response_header(&response, "Retry-After"), retry ? "1" : "");
    response_free(&response);
}

static void each_outcome_has_its_status(void **state)
{
    static const char pair[] = "{\"key\":\"a\",\"value\":\"1\"}";
    fake.write_outcome = fake.read_outcome = REPLICA_NO_QUORUM;
    fake.not_ready = true;
    expect_outcome("POST", "/key", pair, 503,
                   "\"key\":\"a\",\"error\":\"no quorum: 2 of 3 nodes cannot be reached\"", true);
    expect_outcome("GET", "/key/a", NULL, 503, "no quorum", true);
    expect_outcome("DELETE", "/keys", "[\"a\",\"b\"]", 503, "{\"Multiple\":[{\"error\":\"no quorum",
                   true);
    expect_outcome("GET", "/keys", NULL, 503, "{\"Multiple\":[{\"error\":\"no quorum", true);
    fake.write_outcome = fake.read_outcome = REPLICA_BUSY;
    expect_outcome("PUT", "/key/a", "x", 503, "too much is waiting", true);
    fake.write_outcome = fake.read_outcome = REPLICA_STOPPING;
    expect_outcome("GET", "/key/a", NULL, 503, "going down", true);
    fake.write_outcome = REPLICA_FULL;
    expect_outcome("PUT", "/key/a", "x", 507, "there is no room: delete something", false);
    fake.write_outcome = fake.read_outcome = REPLICA_UNSUPPORTED;
    expect_outcome("PUT", "/key/a", "x", 501,
                   "not every node supports it: node 3 runs an earlier version", false);
    expect_outcome("POST", "/txn", "{\"if\":[],\"then\":[{\"delete\":\"a\"}]}", 501,
                   "{\"Transaction\":{\"error\":\"not every node supports it: node 3", false);
    expect_outcome("GET", "/key/a", NULL, 501, "not every node supports it", false);
    fake.write_outcome = fake.read_outcome = REPLICA_TIMEOUT;
    expect_outcome("DELETE", "/key/a", NULL, 504, "the outcome is unknown", false);
    expect_outcome("GET", "/key/a", NULL, 504, "nothing was changed", false);
}

static void each_result_has_its_status(void **state)
{
    static const struct {
        int result, status;
    } rows[] = {{-ECANCELED, 412}, {-EISDIR, 409},       {-ENOTDIR, 409}, {-EINVAL, 409},
                {-EPERM, 403},     {-ENAMETOOLONG, 400}, {-EFBIG, 413},   {-E2BIG, 413},
                {-ENOSPC, 507},    {-EIO, 500}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fake.write_status = rows[i].result;
        expect_error("PUT", "/key/a", "", "x", rows[i].status, "\"key\":\"a\"");
    }
}

static void a_forgotten_old_value_is_said_to_be_unknown(void **state)
{
    expect("PUT", "/key/a", "", "1", 200, NULL);
    fake.old_forgotten = true;
    expect("POST", "/key", "", "{\"key\":\"a\",\"value\":\"2\"}", 200,
           "{\"Single\":{\"key\":\"a\",\"value\":\"2\",\"overwritten_value_unknown\":true}}");
    expect("DELETE", "/key/a", "", NULL, 200,
           "{\"Single\":{\"key\":\"a\",\"exists\":true,\"overwritten_value_unknown\":true}}");
}

static void each_consistency_reads_in_its_way(void **state)
{
    expect("PUT", "/key/a", "", "1", 200, NULL);
    expect("GET", "/key/a?consistency=linearizable", "", NULL, 200, NULL);
    expect("GET", "/key/a?consistency=cached", "", NULL, 200, NULL);
    fake.read_outcome = REPLICA_NO_QUORUM;
    expect("GET", "/key/a?consistency=local", "", NULL, 200, NULL);
    expect("GET", "/keys?consistency=local", "", "[\"a\"]", 200, NULL);
    expect("GET", "/keys?consistency=local", "", NULL, 200, NULL);
    expect_error("GET", "/key/a?consistency=strong", "", NULL, 400,
                 "linearizable, cached or local");
    fake.read_outcome = REPLICA_DONE;
    fake.stale = true;
    struct response stale = request("GET", "/key/a", "", NULL);
    assert_string_equal(response_header(&stale, "Warning"),
                        "110 - \"response is stale: last confirmed 7 s ago\"");
    response_free(&stale);
}

/* ---- Listing ---- */

/* Every way to read a value waits for the contents of a file that has just been emptied, once. */
static void an_emptied_value_is_awaited(void **state)
{
    static const char *const headers[] = {"", RAW};
    harness_put("empty", bytes_of_text(""), S_IFREG | 0644);
    harness_put("full", bytes_of_text("x"), S_IFREG | 0644);
    for (int i = 0; i < 2; i++) {
        fake.emptied = 2;
        expect("GET", "/key/empty", headers[i], NULL, 200, NULL);
        assert_int_equal(fake.emptied, 1);
        expect("GET", "/key/full", headers[i], NULL, 200, NULL);
        expect("GET", "/key/none", headers[i], NULL, 404, NULL);
        assert_int_equal(fake.emptied, 1);
    }
    fake.emptied = 3;
    expect("GET", "/keys", "", "[\"full\",\"empty\",\"empty\",\"none\"]", 200,
           "{\"Multiple\":[{\"key\":\"full\",\"exists\":true,\"value\":\"x\"},"
           "{\"key\":\"empty\",\"exists\":true,\"value\":\"\"},"
           "{\"key\":\"empty\",\"exists\":true,\"value\":\"\"},"
           "{\"key\":\"none\",\"exists\":false}]}");
    assert_int_equal(fake.emptied, 2);
    expect("GET", "/keys", "", "[\"full\",\"none\"]", 200, NULL);
    fake.stale = true; /* what this node last knew is answered at once */
    expect("GET", "/key/empty", "", NULL, 200, NULL);
    assert_int_equal(fake.emptied, 2);
}

static void a_listing_has_prefix_limit_and_next(void **state)
{
    expect("GET", "/keys", "", NULL, 200, "{\"Multiple\":[],\"revision\":0}");
    expect("POST", "/keys", "",
           "[{\"key\":\"a\",\"value\":\"1\"},{\"key\":\"etc/x y\",\"value\":\"2\"},"
           "{\"key\":\"etc/z\",\"value\":\"3\"},{\"key\":\"f\",\"value\":\"4\"}]",
           200, NULL);
    harness_put("etc/link", bytes_of_text("a"), S_IFLNK | 0777);
    expect("GET", "/keys?prefix=etc/", "", NULL, 200,
           "{\"Multiple\":[{\"key\":\"etc/link\",\"error\":\"the key is a symbolic link, which "
           "HTTP does not follow\"},"
           "{\"key\":\"etc/x y\",\"exists\":true,\"value\":\"2\"},"
           "{\"key\":\"etc/z\",\"exists\":true,\"value\":\"3\"}],\"revision\":2}");
    expect("GET", "/keys?limit=3&consistency=local", "", NULL, 200,
           "{\"Multiple\":[{\"key\":\"a\",\"exists\":true,\"value\":\"1\"},"
           "{\"key\":\"etc/link\",\"error\":\"the key is a symbolic link, which HTTP does not "
           "follow\"},"
           "{\"key\":\"etc/x y\",\"exists\":true,\"value\":\"2\"}],\"revision\":2,"
           "\"more\":true,"
           "\"next\":\"/keys?limit=3&consistency=local&revision=2&after=etc/x%20y\"}");
    expect("GET", "/keys?limit=3&consistency=local&after=etc/x+y", "", NULL, 200,
           "{\"Multiple\":[{\"key\":\"etc/z\",\"exists\":true,\"value\":\"3\"},"
           "{\"key\":\"f\",\"exists\":true,\"value\":\"4\"}],\"revision\":2}");
    expect("GET", "/keys?limit=2&after=etc/x+y", "", NULL, 200,
           "{\"Multiple\":[{\"key\":\"etc/z\",\"exists\":true,\"value\":\"3\"},"
           "{\"key\":\"f\",\"exists\":true,\"value\":\"4\"}],\"revision\":2}");
}

/* The path of the next page, or NULL after the last. */
static char *next_path(const char *body)
{
    const char *at = strstr(body, ",\"more\":true,\"next\":\"");
    return at ? strndup(at + 21, strcspn(at + 21, "\"")) : NULL;
}

static size_t count_keys(const char *body)
{
    size_t count = 0;
    for (const char *at = body; (at = strstr(at, "{\"key\":\"")); at++)
        count++;
    return count;
}

static void expect_pages(const char *first, size_t keys, size_t pages)
{
    char *path = strdup(first);
    size_t seen = 0, turned = 0;
    while (path) {
        struct response page = request("GET", path, "", NULL);
        assert_int_equal(page.status, 200);
        seen += count_keys(page.body);
        turned++;
        free(path);
        path = next_path(page.body);
        response_free(&page);
    }
    assert_int_equal(seen, keys);
    assert_int_equal(turned, pages);
}

static void a_long_listing_comes_in_pages(void **state)
{
    char key[32];
    for (int i = 0; i < 2500; i++) {
        snprintf(key, sizeof key, "k/%05d", i);
        harness_put(key, bytes_of_text("v"), S_IFREG | 0644);
    }
    expect_pages("/keys?prefix=k/", 2500, 3);
    expect_pages("/keys?prefix=k/&limit=1250", 2500, 2);
    fake.keys_turns = 0;
    expect_pages("/keys?limit=10000", 2500, 1);
    assert_true(fake.keys_turns >= 2500 / 256);
    fake.answers = FAKE_LATER;
    expect_pages("/keys?limit=100&prefix=k/0", 2500, 25);
}

/* A page ends before it holds too much. */
static void a_listing_of_large_values_comes_in_pages(void **state)
{
    size_t len = 3 * 1024 * 1024;
    char *value = malloc(len * 2);
    assert_non_null(value);
    memset(value, 'x', len * 2);
    harness_put("a", bytes_of(value, len), S_IFREG | 0644);
    harness_put("b", bytes_of(value, len), S_IFREG | 0644);
    harness_put("c", bytes_of(value, len * 2), S_IFREG | 0644); /* too large for any page */
    harness_put("d", bytes_of(value, len), S_IFREG | 0644);
    expect_pages("/keys", 4, 3);
    struct response page = request("GET", "/keys?after=b", "", NULL);
    assert_non_null(strstr(page.body, "{\"key\":\"c\",\"error\":\"the value is too large"));
    response_free(&page);
    free(value);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, harness_reset)
    const struct CMUnitTest tests[] = {
        TEST(one_key_is_put_read_and_deleted),
        TEST(several_keys_share_a_request),
        TEST(paths_are_decoded_and_follow_the_tree),
        TEST(values_may_be_any_bytes),
        TEST(the_largest_value_comes_back),
        TEST(head_has_the_headers_alone),
        TEST(answers_have_the_date_of_the_cluster),
        TEST(conditions_decide_about_a_change),
        TEST(ping_names_every_peer),
        TEST(health_status_and_metrics_are_served),
        TEST(each_outcome_has_its_status),
        TEST(each_result_has_its_status),
        TEST(a_forgotten_old_value_is_said_to_be_unknown),
        TEST(each_consistency_reads_in_its_way),
        TEST(an_emptied_value_is_awaited),
        TEST(a_listing_has_prefix_limit_and_next),
        TEST(a_long_listing_comes_in_pages),
        TEST(a_listing_of_large_values_comes_in_pages),
    };
    return cmocka_run_group_tests(tests, harness_start, harness_stop);
}
