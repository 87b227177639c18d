/* Old copies of folders: each node remembers the last start of each other one, and says so when it
 * connects (base/start.h, store/starts.h). A node that hears of a later start than its own runs on
 * an old copy of its folder, and stops; the others do not let it in. */
#include "replica/replica_internal.h"

#include "base/trace.h"

#include <inttypes.h>
#include <stdio.h>

void starts_begin(struct replica *r)
{
    struct fault fault;
    r->starts.work.data = r;
    if (starts_read(r->folder, &r->starts.known, &fault) < 0)
        trace_warn("starts", "%s: old copies of other nodes' folders may go unnoticed", fault.text);
    uv_random(NULL, NULL, &r->starts.token, sizeof r->starts.token, 0, NULL);
}

struct start starts_mine(const struct replica *r)
{
    /* A fresh node does not know its life yet. */
    if (!r->cluster.identity.cluster || r->status.standing == PAXOS_FRESH)
        return (struct start){0};
    return (struct start){replica_incarnation(r), r->starts.token};
}

/* ---- Keeping them ---- */

static void starts_save(uv_work_t *work)
{
    struct replica *r = work->data;
    struct fault fault;
    if (starts_write(r->folder, &r->starts.saving, &fault) < 0)
        trace_warn("starts", "%s: old copies of other nodes' folders may go unnoticed", fault.text);
}

static void starts_keep(struct replica *r);

static void starts_saved(uv_work_t *work, int cancelled)
{
    struct replica *r = work->data;
    r->starts.busy = false;
    starts_keep(r);
}

/* In the background, since it syncs. */
static void starts_keep(struct replica *r)
{
    if (!r->starts.changed || r->starts.busy || r->end.stopping)
        return;
    r->starts.changed = false;
    r->starts.saving = r->starts.known;
    r->starts.busy = uv_queue_work(r->loop, &r->starts.work, starts_save, starts_saved) == 0;
}

bool starts_busy(const struct replica *r)
{
    return r->starts.busy;
}

/* ---- Who connects ---- */

/* Tells the links as well, which say it when they dial. */
static void starts_learn(struct replica *r, uint32_t pid, struct start start)
{
    struct fault fault;
    starts_set(&r->starts.known, pid, start);
    r->starts.changed = true;
    starts_keep(r);
    int status = members_tell(r, &fault);
    if (status < 0)
        replica_break(r, fault.text, status);
}

/* Another node knows a later start of this one. */
static void starts_give_up(struct replica *r, const struct peer_greeting *greeting)
{
    struct fault fault;
    fault_set(&fault, -EUCLEAN,
              "this folder is an old copy: node %" PRIu32
              " has seen a later start of this node, and what this node acknowledged since then is "
              "not in it. Put the latest folder back or, " FOLDER_REMEDY,
              greeting->dialler.pid);
    replica_break(r, fault.text, -EUCLEAN);
}

const char *starts_admit(void *arg, const struct peer_greeting *greeting)
{
    struct replica *r = arg;
    uint32_t pid = greeting->dialler.pid;
    struct start mine = starts_mine(r);
    if (r->end.stopping || r->end.broken)
        return "this node is stopping";
    if (mine.incarnation && greeting->seen.incarnation &&
        start_compare(mine, greeting->seen) == START_OLDER) {
        starts_give_up(r, greeting);
        return "this node runs on an old copy of its folder";
    }
    if (!greeting->start.incarnation)
        return NULL;
    switch (start_compare(greeting->start, starts_of(&r->starts.known, pid))) {
    case START_NEWER:
        starts_learn(r, pid, greeting->start);
        return NULL;
    case START_SAME:
        return NULL;
    case START_OLDER:
        break;
    }
    return "it runs on an old copy of its folder: this node has seen a later start of it";
}
