/* How long the turns of the loop take: everything between two looks at its descriptors and timers.
 * Heartbeats wait that long, and so does every client.
 *
 * A long turn that took little of a processor waited for the machine, or for a disk. */
#include "replica/replica_internal.h"

#include <time.h>

static uint64_t processor_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Before the loop sleeps: libuv calls the handle that was started first as the last one. */
static void turn_ends(uv_prepare_t *handle)
{
    struct replica *r = handle->data;
    struct replica_pace *pace = &r->pace;
    uint64_t now = uv_hrtime(), slept = uv_metrics_idle_time(r->loop), worked = processor_ns();
    struct pace_longest *longest = &pace->longest[0];
    longest->ns = larger(longest->ns, now - pace->ended - (slept - pace->slept));
    longest->processor_ns = larger(longest->processor_ns, worked - pace->worked);
    pace->ended = now;
    pace->slept = slept;
    pace->worked = worked;
    if (now < pace->since + (uint64_t)PACE_MS * 1000000)
        return;
    pace->since = now;
    pace->longest[1] = pace->longest[0];
    pace->longest[0] = (struct pace_longest){0};
}

void pace_start(struct replica *r)
{
    uv_loop_configure(r->loop, UV_METRICS_IDLE_TIME);
    r->pace.ended = r->pace.since = uv_hrtime();
    r->pace.slept = uv_metrics_idle_time(r->loop);
    r->pace.worked = processor_ns();
    uv_prepare_init(r->loop, &r->pace.prepare);
    r->pace.prepare.data = r;
    uv_prepare_start(&r->pace.prepare, turn_ends);
}

void pace_stop(struct replica *r)
{
    uv_prepare_stop(&r->pace.prepare);
}

void pace_status(const struct replica *r, struct replica_status *s)
{
    const struct pace_longest *now = &r->pace.longest[0], *before = &r->pace.longest[1];
    s->turn_ns_max = larger(now->ns, before->ns);
    s->turn_processor_ns_max = larger(now->processor_ns, before->processor_ns);
}
