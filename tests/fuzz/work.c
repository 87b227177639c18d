#include "work.h"

#include <assert.h>
#include <uv.h>

enum { JOBS_MAX = 16 };

static struct {
    uv_work_t *job;
    uv_work_cb run;
    uv_after_work_cb after;
} jobs[JOBS_MAX];
static uint32_t count;

int uv_queue_work(uv_loop_t *loop, uv_work_t *job, uv_work_cb run, uv_after_work_cb after)
{
    assert(count < JOBS_MAX);
    jobs[count].job = job;
    jobs[count].run = run;
    jobs[count++].after = after;
    return 0;
}

/* The youngest first: jobs that wait do not depend on one another. */
void work_all(void)
{
    while (count > 0) {
        count--;
        uv_work_t *job = jobs[count].job;
        uv_after_work_cb after = jobs[count].after;
        jobs[count].run(job);
        after(job, 0);
    }
}
