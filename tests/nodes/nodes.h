/* Simulated clusters of whole nodes: the real replica with its core, its tree, sessions, locks,
 * watches and what expires; made here are the clock, the links, the log's disk, the pool and the
 * programs that use the nodes. One seed is one history, to the bit, on any machine.
 *
 *   surroundings of a node                  programs
 *     host.c    clocks, pool, room            mount.c     what a mount knows of its programs' locks
 *     links.c   peer.h: frames, cuts          setters.c   change a set under a lock
 *     disk.c    log.h: durable late           keepers.c   keys that go away
 *     node.c    start, turns, kill            watchers.c  hear of every change
 *   world.c     events, the run             judge.c     what must hold of each entry
 *   history.c   all of it at random         faults.c, scenarios.c, situations.c, main.c
 *
 * tests/sim knows the core alone, and runs a thousand times as many histories. Time counts in
 * microseconds. A history has a process of its own, which leaves open what killed nodes leave open.
 * A check that fails prints the last events and the seed, and ends the process. */
#ifndef QUORUMFS_TESTS_NODES_NODES_H
#define QUORUMFS_TESTS_NODES_NODES_H

#include "random.h"
#include "replica/replica_internal.h"
#include "replica/watch.h"
#include "situations.h"

enum {
    NODES_MAX = 5,
    NODES_NOBODY = UINT32_MAX,
    NODES_PATH_MAX = 128,
    NODES_MS = 1000,
    NODES_TRACE_MAX = 400,
    NODES_SPEED_MAX = 50, /* permille by which a steady clock goes wrong: the eighth covers it */
};

struct world;
struct node;

/* ---- world.c ---- */

/* What happens at a node does not if it was killed meanwhile, and waits while it is stopped. */
struct event {
    uint64_t at, order;
    struct node *node; /* NULL: of the world */
    uint32_t life;
    void (*happens)(struct world *w, struct node *n, void *arg);
    void *arg;
};

struct options {
    uint32_t nodes;
    uint32_t session_ms, lease_ms, heartbeat_ms;
    uint64_t delay_max;   /* of a frame */
    uint64_t disk_max;    /* of a write */
    uint32_t loss;        /* permille of frames */
    bool clocks_differ;   /* steady clocks go at different speeds */
    bool sessions_differ; /* some nodes have a session of twice the time */
    bool silent_cuts;     /* a cut is noticed late */
    bool relay;           /* frames go by way of a third node where a link is cut */
};

/* A write, or what is applied: index by index, the same at all nodes. */
struct judge;
struct programs;

/* ---- disk.c: a log ---- */

struct log_waiting {
    struct paxos_write write;
    uint64_t at;
};

struct disk {
    struct paxos_ballot promise, acc_round;
    uint64_t decided;
    struct paxos_membership membership;
    uint64_t base, end;           /* entries [base, end) are there */
    struct paxos_entry **entries; /* from 0 on; those below `base` are dead rows */
    uint64_t cap;
    uint64_t incarnation, folder;
    struct log_waiting *waiting; /* not durable, oldest first */
    uint32_t count, max;
    uint64_t stuck_until; /* nothing becomes durable before */
};

struct node {
    struct world *world;
    uint32_t index, pid;
    bool up;
    uint32_t life;
    struct config config; /* its folder is one of this life */
    struct replica *replica;
    uv_loop_t loop;
    struct peer_callbacks links;
    struct log_callbacks log;
    struct disk disk;
    bool linked[NODES_MAX]; /* as it was told */
    uint64_t started_at;
    uint64_t turn_at; /* the next turn that is scheduled; 0: none is */

    uint64_t epoch_us; /* its steady clock at the beginning */
    uint32_t speed;    /* in permille */
    int64_t wall_ns;   /* its wall clock is so far from the world's */
    uint64_t stopped_until;
    bool full; /* its disk has no room */

    struct replica_observer mount; /* mount.c */
    uint64_t session;              /* of what its programs hold; 0: nothing */
    uint32_t held;
};

struct world {
    const char *name;
    uint64_t seed;
    struct sim_random random;
    struct options options;
    char folder[NODES_PATH_MAX];
    uint64_t now, order;
    struct event *events; /* a heap */
    uint32_t event_count, event_max;
    struct node nodes[NODES_MAX];
    struct node *here;              /* whose code runs */
    bool cut[NODES_MAX][NODES_MAX]; /* from, to */
    bool told_cut[NODES_MAX][NODES_MAX];
    uint64_t last_delivery[NODES_MAX][NODES_MAX];
    bool programs_stop;
    struct judge *judge;
    struct programs *programs;
    uint64_t hash;
    uint64_t trims; /* logs that were cut short, so that a snapshot may be needed */
    uint64_t situations[SITUATIONS];
    struct {
        uint64_t at;
        char text[120];
    } trace[NODES_TRACE_MAX];
    uint64_t traced;
};

extern struct world *world; /* the one of this process */

struct world *world_new(const char *name, uint64_t seed, const struct options *options);
void world_end(struct world *w); /* checks the end, and removes the folder */
void world_run(struct world *w, uint64_t us);
void world_at(struct world *w, struct node *n, uint64_t delay,
              void (*happens)(struct world *w, struct node *n, void *arg), void *arg);
void world_note(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void world_met(struct world *w, enum situation situation);
_Noreturn void world_fail(struct world *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
#define world_check(w, condition, ...)                                                             \
    do {                                                                                           \
        if (!(condition))                                                                          \
            world_fail((w), __VA_ARGS__);                                                          \
    } while (0)

/* ---- host.c ---- */

uint64_t host_steady_us(const struct node *n);
/* The code of this node runs until host_leave. */
void host_enter(struct node *n);
void host_leave(struct node *n);
void host_forget_jobs(const struct node *n);

/* ---- links.c ---- */

void links_cut(struct world *w, uint32_t from, uint32_t to, bool cut);
void links_isolate(struct world *w, uint32_t node);
void links_mend(struct world *w);
/* A node has come or gone. */
void links_changed(struct world *w);

/* ---- disk.c ---- */

void disk_begin(struct node *n); /* a member of a cluster of old */
void disk_crash(struct node *n); /* some of what was not durable is */
void disk_full(struct node *n, bool full);

/* ---- node.c ---- */

void node_begin(struct world *w, uint32_t index);
void node_start(struct node *n);
void node_kill(struct node *n);
void node_stop(struct node *n, uint64_t us);
void node_turn_soon(struct node *n);
/* Cuts its log as far as its tree is durable. */
void node_trim(struct node *n);
struct node *node_of(struct world *w, uint32_t pid);
struct node *world_leader(struct world *w);
bool node_serves(const struct node *n); /* is up, and does not stand still */
/* How many microseconds of the world are at most, or at least, so many of a steady clock. */
uint64_t world_us_at_least(uint64_t us);
uint64_t world_us_at_most(uint64_t us);

/* ---- mount.c, programs ---- */

#include "programs.h"

/* ---- history.c, scenarios.c ---- */

struct figures {
    uint64_t hash, entries, simulated_us;
    uint64_t situations[SITUATIONS];
};

void history_run(uint64_t seed, struct figures *figures);
/* Heals the cluster, and expects everything to come to its end, for all to see. */
void history_finish(struct world *w, struct figures *figures);
uint32_t scenarios_count(void);
const char *scenarios_name(uint32_t number);
void scenarios_run(uint32_t number, uint64_t seed, struct figures *figures);

#endif
