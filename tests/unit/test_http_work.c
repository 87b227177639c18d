/* How the work for clients is spread over the turns of the loop and the threads of the pool. */
#include "test_http_harness.h"

#include "http/http_internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LONG = 2 * HTTP_JOB_BYTES_MIN, TEXT = 1 };

static int runs;

static void short_step(void *arg)
{
    runs++;
}

static void long_step(void *arg)
{
    runs++;
    usleep(HTTP_TURN_MS_MAX * 1000);
}

static void a_turn_has_time_for_some_steps_only(void **state)
{
    uv_loop_t loop;
    struct http *http = calloc(1, sizeof *http);
    struct http_step steps[4];
    assert_non_null(http);
    uv_loop_init(&loop);
    uv_idle_init(&loop, &http->idle);
    http->loop = &loop;
    TAILQ_INIT(&http->steps);
    runs = 0;
    http_step(http, &steps[0], short_step, NULL);
    http_step(http, &steps[1], long_step, NULL);
    assert_int_equal(runs, 2);
    assert_false(http_has_time(http));
    http_step(http, &steps[2], short_step, NULL);
    http_step(http, &steps[3], long_step, NULL);
    assert_int_equal(runs, 2);
    assert_ptr_equal(TAILQ_FIRST(&http->steps), &steps[2]);
    assert_ptr_equal(TAILQ_NEXT(&steps[2], all), &steps[3]);
    assert_true(uv_is_active((uv_handle_t *)&http->idle)); /* the loop does not sleep */
    uv_idle_stop(&http->idle);
    uv_close((uv_handle_t *)&http->idle, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    free(http);
}

/* How many there were since the last call. */
static int jobs(void)
{
    static int before;
    struct response response = request("GET", "/metrics", "", NULL);
    const char *line = strstr(response.body, "\nquorumfs_http_jobs_total ");
    assert_non_null(line);
    int total = atoi(strchr(line, ' ')), since = total - before;
    before = total;
    response_free(&response);
    return since;
}

/* `head`, a text of `len` bytes, `tail`. */
static char *text_of(const char *head, size_t len, const char *tail)
{
    char *text = malloc(strlen(head) + len + strlen(tail) + 1);
    assert_non_null(text);
    memset(stpcpy(text, head), 'v', len);
    strcpy(text + strlen(head) + len, tail);
    return text;
}

static void long_texts_are_jobs(void **state)
{
    char *body = text_of("{\"key\":\"k\",\"value\":\"", LONG, "\"}");
    char *short_body = text_of("{\"key\":\"s\",\"value\":\"", 100, "\"}");
    char *answer = text_of("{\"Single\":{\"key\":\"k\",\"exists\":true,\"value\":\"", LONG, "\"}}");
    jobs();
    expect("POST", "/key", "", short_body, 200, NULL);
    expect("GET", "/key/s", "", NULL, 200, NULL);
    assert_int_equal(jobs(), 0);
    expect("POST", "/key", "", body, 200, NULL);
    assert_int_equal(jobs(), 2); /* the body, and the answer, which repeats it */
    expect("GET", "/key/k", "", NULL, 200, answer);
    assert_int_equal(jobs(), 1);
    expect("GET", "/key/k", "Accept: application/octet-stream\r\n", NULL, 200, NULL);
    assert_int_equal(jobs(), 0);
    free(body);
    free(short_body);
    free(answer);
}

static void long_messages_and_replies_are_jobs(void **state)
{
    char *put = text_of("{\"APIRequest\":{\"Put\":{\"key\":\"k\",\"value\":\"", LONG, "\"}}}");
    const char *get = "{\"APIRequest\":{\"Get\":\"k\"}}";
    int fd = ws_open(), code;
    size_t len;
    jobs();
    ws_send_frame(fd, TEXT, true, put, strlen(put));
    free(ws_receive(fd, &len, &code));
    assert_true(len > 2 * LONG);
    assert_int_equal(jobs(), 2);
    ws_send_frame(fd, TEXT, true, get, strlen(get));
    free(ws_receive(fd, &len, &code));
    assert_true(len > LONG);
    assert_int_equal(jobs(), 1);
    close(fd);
    free(put);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_turn_has_time_for_some_steps_only),
        cmocka_unit_test_setup(long_texts_are_jobs, harness_reset),
        cmocka_unit_test_setup(long_messages_and_replies_are_jobs, harness_reset),
    };
    return cmocka_run_group_tests_name("http_work", tests, harness_start, harness_stop);
}
