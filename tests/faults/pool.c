#include "pool.h"

#include <assert.h>
#include <uv.h>

enum { JOBS_MAX = 16 };

static struct job {
    uv_work_t *request;
    uv_work_cb work;
    uv_after_work_cb after;
} jobs[JOBS_MAX];
static unsigned first, count;
static bool working;

int __wrap_uv_queue_work(uv_loop_t *loop, uv_work_t *request, uv_work_cb work,
                         uv_after_work_cb after);
int __wrap_uv_queue_work(uv_loop_t *loop, uv_work_t *request, uv_work_cb work,
                         uv_after_work_cb after)
{
    assert(count < JOBS_MAX);
    jobs[(first + count) % JOBS_MAX] = (struct job){request, work, after};
    count++;
    return 0;
}

void pool_run(void)
{
    while (count > 0) {
        struct job job = jobs[first % JOBS_MAX];
        first++;
        count--;
        working = true;
        job.work(job.request);
        working = false;
        job.after(job.request, 0);
    }
}

bool pool_working(void)
{
    return working;
}
