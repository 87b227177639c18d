/* What a node takes from its machine: clocks, chance, background work, the room of its disk. */
#include "nodes.h"

#include "store/room.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/time.h>

enum { JOB_US_MAX = 3000 };
static const uint64_t WALL_NS = UINT64_C(1700000000000000000);

/* ---- Clocks: in place of the C library's, for everything in this program ---- */

uint64_t host_steady_us(const struct node *n)
{
    return n->epoch_us + world->now * n->speed / 1000;
}

int clock_gettime(clockid_t which, struct timespec *now)
{
    const struct node *n = world ? world->here : NULL;
    uint64_t us = !world ? 1000000 : n ? host_steady_us(n) : world->now;
    uint64_t ns = us * 1000;
    if (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)
        ns = WALL_NS + (world ? world->now * 1000 : 0) + (uint64_t)(n ? n->wall_ns : 0);
    *now = (struct timespec){(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
    return 0;
}

/* ---- Chance ---- */

int uv_random(uv_loop_t *loop, uv_random_t *request, void *bytes, size_t len, unsigned flags,
              uv_random_cb done)
{
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)bytes)[i] = (uint8_t)sim_random(&world->random);
    return 0;
}

/* ---- Disks lose nothing here: power cuts are in tests/faults ---- */

int fsync(int fd)
{
    return 0;
}

int fdatasync(int fd)
{
    return 0;
}

/* ---- Background work ---- */

struct job {
    uv_work_t *work;
    uv_work_cb run;
    uv_after_work_cb after;
};

static void job_done(struct world *w, struct node *n, void *arg)
{
    struct job job = *(struct job *)arg;
    free(arg);
    job.run(job.work);
    job.after(job.work, 0);
}

int uv_queue_work(uv_loop_t *loop, uv_work_t *work, uv_work_cb run, uv_after_work_cb after)
{
    struct job *job = malloc(sizeof *job);
    assert(job && world->here);
    *job = (struct job){work, run, after};
    world_at(world, world->here, 1 + sim_below(&world->random, JOB_US_MAX), job_done, job);
    return 0;
}

/* ---- The code of a node ---- */

void host_enter(struct node *n)
{
    assert(!n->world->here && n->up);
    n->world->here = n;
    uv_update_time(&n->loop);
}

void host_leave(struct node *n)
{
    assert(n->world->here == n);
    n->world->here = NULL;
}

/* ---- Room: a disk is full or it is not ---- */

static void look(struct room *room)
{
    bool full = world->here->full;
    room->total = UINT64_C(1) << 40;
    room->whole = ROOM_RESERVE_BYTES_MAX;
    room->free = full ? 0 : room->total / 2;
    room->reserve = full ? room->whole / 3 : room->whole;
    room->starved = full;
}

void __wrap_room_open(struct room *room, const struct folder *folder);
void __wrap_room_look(struct room *room, const struct folder *folder);
void __wrap_room_close(struct room *room);

void __wrap_room_open(struct room *room, const struct folder *folder)
{
    *room = (struct room){.fd = -1};
    look(room);
}

void __wrap_room_look(struct room *room, const struct folder *folder)
{
    look(room);
}

void __wrap_room_close(struct room *room)
{
}
