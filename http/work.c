#include "work.h"

#include "http_internal.h"

#include <assert.h>

/* ---- Steps ---- */

bool http_has_time(const struct http *http)
{
    return http->worked_ns < (uint64_t)HTTP_TURN_MS_MAX * 1000000;
}

void http_work_begins(struct http *http)
{
    if (http->work_depth++ == 0)
        http->work_began = uv_hrtime();
}

void http_work_ends(struct http *http)
{
    assert(http->work_depth > 0);
    if (--http->work_depth == 0)
        http->worked_ns += uv_hrtime() - http->work_began;
}

void http_step_later(struct http *http, struct http_step *step, void (*run)(void *arg), void *arg)
{
    step->run = run;
    step->arg = arg;
    TAILQ_INSERT_TAIL(&http->steps, step, all);
    http_wake(http);
}

void http_step(struct http *http, struct http_step *step, void (*run)(void *arg), void *arg)
{
    if (!http_has_time(http)) {
        http_step_later(http, step, run, arg);
        return;
    }
    http_work_begins(http);
    run(arg);
    http_work_ends(http);
}

/* ---- Jobs ---- */

static void jobs_begin(struct http *http);

static void on_run(uv_work_t *work)
{
    struct http_job *job = work->data;
    job->run(job->arg);
}

static void on_done(uv_work_t *work, int status)
{
    struct http_job *job = work->data;
    struct http *http = job->http;
    http->jobs_running--;
    http->jobs_open--;
    jobs_begin(http);
    http_work_begins(http);
    job->done(job->arg);
    http_work_ends(http);
    http_handle_closed(http); /* the last user of `http` */
}

static void jobs_begin(struct http *http)
{
    struct http_job *job;
    while (http->jobs_running < HTTP_JOBS_MAX && (job = TAILQ_FIRST(&http->jobs))) {
        TAILQ_REMOVE(&http->jobs, job, all);
        http->jobs_running++;
        job->work.data = job;
        int status = uv_queue_work(http->loop, &job->work, on_run, on_done);
        assert(status == 0); /* it fails for lack of a callback only */
    }
}

void http_job(struct http *http, struct http_job *job, void (*run)(void *arg),
              void (*done)(void *arg), void *arg)
{
    job->http = http;
    job->run = run;
    job->done = done;
    job->arg = arg;
    http->handles_open++;
    http->jobs_open++;
    http->jobs_total++;
    TAILQ_INSERT_TAIL(&http->jobs, job, all);
    jobs_begin(http);
}
