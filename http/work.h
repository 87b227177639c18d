/* Private to the room: how the work for clients is spread, so that heartbeats never wait for it.
 *
 * Steps of work on the loop share HTTP_TURN_MS_MAX of each of its turns; the rest is done in the
 * next turns, in the order in which it came up. What cannot be cut into steps (reading a long JSON
 * text, writing one) is done in libuv's pool, a few at a time, so that checkpoints find a thread.
 *
 * Thread: the loop's, except for `run` of a job. */
#ifndef QUORUMFS_HTTP_WORK_H
#define QUORUMFS_HTTP_WORK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uv.h>

struct http;

enum {
    HTTP_TURN_MS_MAX = 8,
    HTTP_JOBS_MAX = 2,              /* in the pool at a time, of its four threads */
    HTTP_JOB_BYTES_MIN = 64 * 1024, /* shorter texts are no job */
};

/* A step that is waiting for its turn, in the memory of the one it belongs to. */
struct http_step {
    TAILQ_ENTRY(http_step) all;
    void (*run)(void *arg);
    void *arg;
};
TAILQ_HEAD(http_steps, http_step);

/* A job of the pool, likewise: the memory must stay until `done`. */
struct http_job {
    TAILQ_ENTRY(http_job) all;
    uv_work_t work;
    struct http *http;
    void (*run)(void *arg);  /* in a thread of the pool */
    void (*done)(void *arg); /* on the loop, when `run` has returned */
    void *arg;
};
TAILQ_HEAD(http_jobs, http_job);

/* Runs the step at once if this turn has time for it, or else in one of the next turns. */
void http_step(struct http *http, struct http_step *step, void (*run)(void *arg), void *arg);
/* Runs it in one of the next turns. */
void http_step_later(struct http *http, struct http_step *step, void (*run)(void *arg), void *arg);

/* Whether this turn has time for another step. A step that http_step does not run lies between
 * http_work_begins and http_work_ends, which may be nested. */
bool http_has_time(const struct http *http);
void http_work_begins(struct http *http);
void http_work_ends(struct http *http);

/* Begins the job, now or when others have ended. */
void http_job(struct http *http, struct http_job *job, void (*run)(void *arg),
              void (*done)(void *arg), void *arg);

#endif
