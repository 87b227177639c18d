/* Answers that take many turns of the loop: each is one moment of the tree, whatever is written
 * between the turns, and moments are bounded. */
#include "test_http_harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define RAW "Accept: application/octet-stream\r\n"

enum {
    KEYS = 2500,
    TRIES = 20,
    GATHERED_BYTES_MAX = 64 * 1024 * 1024, /* http/value.c */
    MOMENTS_MAX = 32,                      /* http/moments.c */
};

static void put_filled(const char *key, size_t len, char byte)
{
    char *value = malloc(len);
    assert_non_null(value);
    memset(value, byte, len);
    harness_put(key, bytes_of(value, len), S_IFREG | 0644);
    free(value);
}

static void put_keys(void)
{
    char key[32];
    for (int i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "k/%05d", i);
        put_filled(key, 1, 'x');
    }
}

/* Counts the values of a page; all of them are the same as `*value`, if that is not 0. */
static int count_values(const char *body, char *value)
{
    static const char before[] = "\"value\":\"";
    int count = 0;
    for (const char *at = body; (at = strstr(at, before)); count++) {
        at += strlen(before);
        if (*value == 0)
            *value = *at;
        assert_int_equal(*at, *value);
    }
    return count;
}

/* The path of the next page, or NULL after the last. */
static char *next_path(const char *body)
{
    static const char before[] = "\"next\":\"";
    const char *at = strstr(body, before);
    if (!at)
        return NULL;
    at += strlen(before);
    return strndup(at, strcspn(at, "\""));
}

static char *first_page_of(const char *path)
{
    struct response page = request("GET", path, "", NULL);
    assert_int_equal(page.status, 200);
    char *next = next_path(page.body);
    assert_non_null(next);
    assert_non_null(strstr(next, "&revision="));
    response_free(&page);
    return next;
}

static void expect_status(const char *path, int status)
{
    struct response page = request("GET", path, "", NULL);
    assert_int_equal(page.status, status);
    response_free(&page);
}

static void wait_without_views(void)
{
    for (int i = 0; i < 1000 && fake.views > 0; i++)
        usleep(10000);
    assert_int_equal(fake.views, 0);
}

/* ---- Listings ---- */

static void a_listing_of_many_turns_is_of_one_moment(void **state)
{
    put_keys();
    fake.churning = true;
    for (int i = 0; i < TRIES; i++) {
        struct response page = request("GET", "/keys?limit=10000", "", NULL);
        char value = 0;
        assert_int_equal(page.status, 200);
        assert_int_equal(count_values(page.body, &value), KEYS);
        assert_null(next_path(page.body));
        response_free(&page);
    }
    assert_int_equal(fake.views, 0);
    assert_true(fake.views_opened >= TRIES);
}

static void pages_go_on_at_the_moment_of_the_first(void **state)
{
    put_keys();
    fake.churning = true;
    for (int i = 0; i < TRIES; i++) {
        char value = 0;
        int count = 0;
        char *path = strdup("/keys?limit=700");
        while (path) {
            struct response page = request("GET", path, "", NULL);
            assert_int_equal(page.status, 200);
            count += count_values(page.body, &value);
            free(path);
            path = next_path(page.body);
            response_free(&page);
        }
        assert_int_equal(count, KEYS);
    }
}

static void a_page_whose_moment_is_gone_is_refused(void **state)
{
    put_filled("a", 1, 'x');
    put_filled("b", 1, 'x');
    char *next = first_page_of("/keys?limit=1");
    fake.views_ending = 1;
    put_filled("c", 1, 'x');
    expect_error("GET", next, "", NULL, 410, "the keys of revision 2 any more: begin again");
    free(next);
}

static void a_page_needs_no_moment_while_nothing_has_changed(void **state)
{
    put_filled("a", 1, 'x');
    put_filled("b", 1, 'x');
    char *next = first_page_of("/keys?limit=1");
    fake.views_ending = 1;
    expect("GET", next, "", NULL, 200,
           "{\"Multiple\":[{\"key\":\"b\",\"exists\":true,\"value\":\"x\"}],\"revision\":2}");
    free(next);
    expect_error("GET", "/keys?revision=1", "", NULL, 410, "revision 1");
    expect_error("GET", "/keys?revision=3", "", NULL, 410, "revision 3");
    expect_error("GET", "/keys?revision=0", "", NULL, 400, "revision must be one");
    expect_error("GET", "/keys?revision=1152921504606846977", "", NULL, 400, "revision must be");
    expect_error("GET", "/keys?revision=x", "", NULL, 400, "revision must be one");
}

static void a_listing_begins_again_when_its_moment_ends(void **state)
{
    put_keys();
    fake.churning = true;
    fake.views_ending = 2;
    struct response page = request("GET", "/keys?limit=10000", "", NULL);
    char value = 0;
    assert_int_equal(page.status, 200);
    assert_int_equal(count_values(page.body, &value), KEYS);
    response_free(&page);
    assert_int_equal(fake.views_opened, 3);
    fake.views_ending = 1000;
    expect_error("GET", "/keys?limit=10000", "", NULL, 503, "try again");
    assert_int_equal(fake.views_opened, 3 + 8);
}

/* The moment of the first page ends while the second one is put together. */
static void a_page_does_not_go_on_at_another_moment(void **state)
{
    put_keys();
    char *next = first_page_of("/keys?limit=1000");
    put_filled("k/00000", 1, 'y');
    expect_status(next, 200);
    fake.views_looks = 2; /* it is found, and read for one turn */
    fake.views_ending = 1;
    expect_error("GET", next, "", NULL, 410, "begin again");
    free(next);
}

static void moments_are_bounded_in_number(void **state)
{
    put_filled("a", 1, 'x');
    put_filled("b", 1, 'x');
    char *first = first_page_of("/keys?limit=1"), *last = NULL;
    for (int i = 0; i < MOMENTS_MAX; i++) {
        put_filled("a", 1, (char)('a' + i % 26));
        free(last);
        last = first_page_of("/keys?limit=1");
        assert_true(fake.views <= MOMENTS_MAX);
    }
    put_filled("a", 1, 'y');
    expect_status(first, 410);
    expect_status(last, 200);
    free(first);
    free(last);
}

static void moments_are_bounded_in_time(void **state)
{
    put_filled("a", 1, 'x');
    put_filled("b", 1, 'x');
    harness_set_moment_ms(1);
    char *next = first_page_of("/keys?limit=1");
    put_filled("a", 1, 'y');
    wait_without_views();
    expect_status(next, 410);
    free(next);
}

static void answers_of_one_moment_share_it(void **state)
{
    put_keys();
    for (int i = 0; i < 5; i++)
        free(first_page_of("/keys?limit=10"));
    assert_int_equal(fake.views_opened, 1);
}

static void without_room_for_a_moment_a_long_answer_is_refused(void **state)
{
    put_keys();
    put_filled("long", 1024 * 1024, 'x');
    fake.views_refused = true;
    expect_error("GET", "/keys?limit=10000", "", NULL, 503, "nothing has happened, try again");
    expect_error("GET", "/key/long", RAW, NULL, 503, "nothing has happened, try again");
    expect_status("/keys?prefix=k/0000", 200);
    struct response head = {0};
    int fd = http_connect();
    send_text(fd, "HEAD /key/long HTTP/1.1\r\nHost: test\r\n" RAW "\r\n");
    head = receive_response(fd, true);
    assert_int_equal(head.status, 200);
    assert_string_equal(response_header(&head, "Content-Length"), "1048576");
    response_free(&head);
    close(fd);
}

/* ---- Raw values ---- */

static int begin_raw(const char *key)
{
    char text[200], byte;
    int fd = http_connect();
    snprintf(text, sizeof text, "GET /key/%s HTTP/1.1\r\nHost: test\r\n" RAW "\r\n", key);
    send_text(fd, text);
    assert_int_equal(recv(fd, &byte, 1, MSG_PEEK), 1); /* the answer has begun */
    return fd;
}

/* Reads up to the end of the connection or of the body; the body has this byte alone. */
static size_t read_filled(int fd, size_t len, char byte)
{
    char *got = malloc(len + 8192);
    assert_non_null(got);
    size_t total = 0, head = 0;
    ssize_t n = 1;
    while (n > 0 && (head == 0 || total < head + len)) {
        n = recv(fd, got + total, len + 8192 - total, 0);
        total += n > 0 ? (size_t)n : 0;
        const char *end = head ? NULL : memmem(got, total, "\r\n\r\n", 4);
        head = end ? (size_t)(end - got) + 4 : head;
    }
    for (size_t i = head; i < total; i++)
        if (got[i] != byte)
            fail_msg("byte %zu is %d", i - head, got[i]);
    free(got);
    close(fd);
    return total - head;
}

static void a_value_is_gathered_before_it_is_sent(void **state)
{
    size_t len = GATHERED_BYTES_MAX; /* more than sockets hold */
    put_filled("v", len, 'x');
    int fd = begin_raw("v");
    put_filled("v", len, 'y');
    assert_int_equal(fake.views, 0); /* a slow client holds none */
    assert_int_equal(read_filled(fd, len, 'x'), len);
    fd = begin_raw("v");
    assert_int_equal(read_filled(fd, len, 'y'), len);
}

static void a_value_too_large_for_that_is_sent_from_its_moment(void **state)
{
    size_t len = GATHERED_BYTES_MAX + 1;
    put_filled("v", len, 'x');
    int fd = begin_raw("v");
    put_filled("v", len, 'y');
    assert_int_equal(fake.views, 1);
    assert_int_equal(read_filled(fd, len, 'x'), len);
    wait_without_views();
}

static void without_its_moment_an_unchanged_value_is_sent_to_its_end(void **state)
{
    size_t len = GATHERED_BYTES_MAX + 1;
    put_filled("v", len, 'x');
    int fd = begin_raw("v");
    fake.views_ending = 1;
    put_filled("other", 1, 'y');
    assert_int_equal(read_filled(fd, len, 'x'), len);
    wait_without_views();
}

static void without_its_moment_a_changed_value_is_cut_off(void **state)
{
    size_t len = GATHERED_BYTES_MAX + 1;
    put_filled("v", len, 'x');
    int fd = begin_raw("v");
    fake.views_ending = 1;
    put_filled("v", len, 'y');
    assert_true(read_filled(fd, len, 'x') < len);
    wait_without_views();
}

static void values_of_one_version_share_a_moment(void **state)
{
    size_t len = GATHERED_BYTES_MAX + 1;
    put_filled("v", len, 'x');
    int fd = begin_raw("v");
    put_filled("other", 1, 'y');
    int fd2 = begin_raw("v");
    assert_int_equal(fake.views_opened, 1);
    put_filled("v", len, 'y');
    assert_int_equal(read_filled(fd2, len, 'x'), len);
    assert_int_equal(read_filled(fd, len, 'x'), len);
    wait_without_views();
}

/* A connection that ends before its answer does. */
static void a_client_that_goes_away_leaves_its_moment(void **state)
{
    put_filled("v", GATHERED_BYTES_MAX + 1, 'x');
    close(begin_raw("v"));
    wait_without_views();
}

static void a_value_begins_again_when_its_moment_ends(void **state)
{
    put_filled("v", 8 * 1024 * 1024, '0');
    fake.churning = true;
    fake.views_ending = 2;
    struct response raw = request("GET", "/key/v", RAW, NULL);
    assert_int_equal(raw.status, 200);
    assert_int_equal(raw.body_len, 8 * 1024 * 1024);
    for (size_t i = 0; i < raw.body_len; i++)
        if (raw.body[i] != raw.body[0])
            fail_msg("two versions");
    response_free(&raw);
    assert_int_equal(fake.views_opened, 3);
    fake.views_ending = 1000;
    expect_error("GET", "/key/v", RAW, NULL, 503, "try again");
    fake.churning = false;
    fake.views_ending = 1;
    raw = request("GET", "/key/v", RAW, NULL);
    assert_int_equal(raw.body_len, 8 * 1024 * 1024);
    response_free(&raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup(name, harness_reset)
        TEST(a_listing_of_many_turns_is_of_one_moment),
        TEST(pages_go_on_at_the_moment_of_the_first),
        TEST(a_page_whose_moment_is_gone_is_refused),
        TEST(a_page_needs_no_moment_while_nothing_has_changed),
        TEST(a_listing_begins_again_when_its_moment_ends),
        TEST(a_page_does_not_go_on_at_another_moment),
        TEST(moments_are_bounded_in_number),
        TEST(moments_are_bounded_in_time),
        TEST(answers_of_one_moment_share_it),
        TEST(without_room_for_a_moment_a_long_answer_is_refused),
        TEST(a_value_is_gathered_before_it_is_sent),
        TEST(a_value_too_large_for_that_is_sent_from_its_moment),
        TEST(without_its_moment_an_unchanged_value_is_sent_to_its_end),
        TEST(without_its_moment_a_changed_value_is_cut_off),
        TEST(values_of_one_version_share_a_moment),
        TEST(a_client_that_goes_away_leaves_its_moment),
        TEST(a_value_begins_again_when_its_moment_ends),
    };
    return cmocka_run_group_tests(tests, harness_start, harness_stop);
}
