/* Clients that follow changes: what arrives is compared, event by event, with what happened. A
 * client that has lost its node goes on at another one where it was. */
#include "nodes.h"

#include "judge.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIRE_US_MAX = 20 * NODES_MS,
    DRAINED_US_MAX = 300 * NODES_MS,
    STAY_US_MAX = 5000 * NODES_MS
};

static void watcher_connect(struct world *w, struct node *none, void *arg);

/* ---- What arrives ---- */

struct parcel {
    struct watcher *watcher;
    uint64_t connection;
    struct told told;
};

static void parcel_arrives(struct world *w, struct node *none, void *arg)
{
    struct parcel parcel = *(struct parcel *)arg;
    struct watcher *r = parcel.watcher;
    free(arg);
    if (parcel.connection != r->connection)
        return;
    if (r->skip > 0) { /* it had arrived before */
        r->skip--;
        return;
    }
    judge_event(w, r, &parcel.told);
    if (parcel.told.kind == EVENT_LOST)
        world_met(w, MET_WATCH_LOST);
    r->arrived++;
    if (parcel.told.more) {
        r->parts = r->part_of == parcel.told.revision ? r->parts + 1 : 1;
        r->part_of = parcel.told.revision;
    } else {
        r->at = parcel.told.revision;
        r->parts = 0;
    }
}

/* At the node. A wire is full now and then. */
static bool on_tell(void *arg, const struct replica_event *event)
{
    struct watcher *r = arg;
    struct world *w = r->world;
    if (sim_chance(&w->random, 30)) {
        world_met(w, MET_WATCH_FULL);
        return false;
    }
    world_met(w, r->watch.behind ? MET_WATCH_BEHIND : MET_WATCH_TOLD);
    world_check(w, tree_applied(r->node->replica->tree) >= event->revision,
                "an event is told before its change is there");
    struct parcel *parcel = malloc(sizeof *parcel);
    assert(parcel);
    *parcel = (struct parcel){
        r, r->connection, {event->revision, event->kind, event->more, judge_path(event->path)}};
    world_at(w, NULL, 1 + WIRE_US_MAX, parcel_arrives, parcel);
    return true;
}

static void go_on(struct world *w, struct node *n, void *arg)
{
    struct parcel parcel = *(struct parcel *)arg;
    struct watcher *r = parcel.watcher;
    free(arg);
    if (parcel.connection != r->connection || !r->begun)
        return;
    bool more = replica_watch_go_on(n->replica, &r->watch);
    struct parcel *next = malloc(sizeof *next);
    assert(next);
    *next = parcel;
    world_at(w, n, more ? 1 : 1 + sim_below(&w->random, DRAINED_US_MAX), go_on, next);
}

/* ---- Connections ---- */

static void watcher_leave(struct world *w, struct node *n, void *arg)
{
    struct parcel parcel = *(struct parcel *)arg;
    struct watcher *r = parcel.watcher;
    free(arg);
    if (parcel.connection != r->connection)
        return;
    if (r->begun)
        replica_watch_end(n->replica, &r->watch);
    watcher_gone(r);
}

static void later(struct watcher *r, struct node *n, uint64_t us,
                  void (*happens)(struct world *w, struct node *n, void *arg))
{
    struct parcel *parcel = calloc(1, sizeof *parcel);
    assert(parcel);
    parcel->watcher = r;
    parcel->connection = r->connection;
    world_at(r->world, n, us, happens, parcel);
}

static void watch_begins(struct watcher *r)
{
    struct world *w = r->world;
    r->watch = (struct replica_watch){
        .scope = WATCH_PREFIX, .path = bytes_of_text(r->prefix), .tell = on_tell, .arg = r};
    uint64_t since = r->parts > 0 ? r->part_of - 1 : r->at;
    int status = replica_watch_begin(r->node->replica, &r->watch, since);
    world_check(w, status == 0 || status == -ESTALE || status == -ENOTSUP, "a watch: %d", status);
    if (status == -ESTALE)
        judge_lost(w, r, replica_watch_oldest(r->node->replica));
    if (status < 0) {
        watcher_gone(r);
        return;
    }
    if (r->at > 0)
        world_met(w, MET_WATCH_RESUMED);
    if (r->parts > 0)
        world_met(w, MET_WATCH_SPLIT);
    r->skip = r->parts;
    r->begun = true;
    later(r, r->node, 1, go_on);
    later(r, r->node, 1 + sim_below(&w->random, STAY_US_MAX), watcher_leave);
}

static void on_read(void *arg, enum replica_outcome outcome, struct replica_freshness freshness)
{
    struct parcel parcel = *(struct parcel *)arg;
    free(arg);
    if (parcel.connection != parcel.watcher->connection)
        return;
    if (outcome == REPLICA_DONE)
        watch_begins(parcel.watcher);
    else
        watcher_gone(parcel.watcher);
}

static void read_begin(struct world *w, struct node *n, void *arg)
{
    struct watcher *r = ((struct parcel *)arg)->watcher;
    if (tree_applied(n->replica->tree) < r->at)
        world_met(w, MET_WATCH_TOO_EARLY);
    replica_read(n->replica, REPLICA_LINEARIZABLE, on_read, arg);
}

static void watcher_connect(struct world *w, struct node *none, void *arg)
{
    struct parcel parcel = *(struct parcel *)arg;
    struct watcher *r = parcel.watcher;
    free(arg);
    if (parcel.connection != r->connection)
        return;
    r->node = &w->nodes[sim_below(&w->random, w->options.nodes)];
    if (r->node->up)
        later(r, r->node, 1, read_begin);
    else
        watcher_gone(r);
}

void watcher_gone(struct watcher *r)
{
    r->begun = false;
    r->connection++;
    later(r, NULL, 1 + sim_below(&r->world->random, DRAINED_US_MAX), watcher_connect);
}

void watcher_begin(struct watcher *r)
{
    r->at = judge_applied_now(r->world);
    watcher_gone(r);
}
