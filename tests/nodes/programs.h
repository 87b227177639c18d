/* Programs that use the nodes' mounts and HTTP: for nodes.h. */
#ifndef QUORUMFS_TESTS_NODES_PROGRAMS_H
#define QUORUMFS_TESTS_NODES_PROGRAMS_H

#include "replica/replica.h"
#include "replica/watch.h"

enum {
    SETS = 2,
    SETTERS_MAX = 6,
    KEEPERS_MAX = 9,
    WATCHERS_MAX = 4,
    SET_MAX = 4096, /* elements */
    NAMES = 2,      /* of ephemeral keys, which programs want */
    PROGRAM_OPS_MAX = 2,
};

struct node;
struct world;
struct program;

enum program_kind { SETTER, EPHEMERAL, TTL, LEASE };

typedef void program_step(struct program *p);
typedef void program_done(struct program *p, enum replica_outcome outcome,
                          const struct command_result *result);

/* A process beside a node. What it waits for has a number: an answer to anything else is void. */
struct program {
    struct world *world;
    enum program_kind kind;
    uint32_t id;
    struct node *node;
    uint64_t waits_for;
    uint64_t stopped_until;
    program_step *next;

    /* At the mount: its open file. */
    bool holds, lost, waits; /* lost: its session has ended, and it may not know */
    uint64_t session, owner, waiter, since_us;

    uint32_t place; /* which set, which name */
    uint64_t ino;   /* of what it has locked or made */
    uint32_t elements[SET_MAX];
    uint32_t element_count, counter, rounds;
    bool unknown; /* its last change may have taken effect, or may still */

    uint64_t lease, ms, asked_us[2]; /* the oldest renewal that may still come, and the last one */
    bool closing;                    /* it has asked for the end of what it has */
};

struct told {
    uint64_t revision;
    uint8_t kind;
    bool more;
    uint64_t path; /* a hash */
};

/* A client that follows changes, and comes back to another node where it was. */
struct watcher {
    struct world *world;
    uint32_t id;
    struct node *node;
    uint64_t connection;
    bool begun;
    struct replica_watch watch;
    char prefix[8];
    uint64_t at;    /* everything up to this revision has arrived, */
    uint32_t parts; /* and so many events of the next one that has some: of `part_of` */
    uint64_t part_of;
    uint32_t skip; /* of its first revision, as they have arrived before */
    struct told *coming;
    uint32_t coming_count, coming_max;
    uint64_t arrived;
};

struct acknowledged {
    uint32_t set, element;
};

struct programs {
    struct program programs[SETTERS_MAX + KEEPERS_MAX];
    uint32_t count;
    struct watcher watchers[WATCHERS_MAX];
    uint32_t watcher_count;
    uint64_t last_number; /* of what is waited for, owners, waiters, leases */
    uint64_t lock_inos[SETS], dir_ino;
    bool ready;
    struct acknowledged *done;
    uint32_t done_count, done_max;
};

struct programs *programs_new(struct world *w);
/* Makes the files that they use, and then begins. */
void programs_begin(struct world *w, uint32_t setters, uint32_t keepers, uint32_t watchers);
/* The node is gone, and with it what its programs had open. */
void programs_lost(struct node *n);
/* None begins anything new, and what they have is given up. */
void programs_end(struct world *w);
uint64_t programs_number(struct world *w);
/* `step` happens after the delay, unless the program has something else to do by then. */
void program_then(struct program *p, uint64_t delay, program_step *step);
void program_rest(struct program *p);
/* The program stands still, as by SIGSTOP. */
void program_stop(struct program *p, uint64_t us);

/* ---- mount.c ---- */

void mount_begin(struct node *n);
void mount_look(struct node *n);
void mount_hold(struct program *p, uint64_t session);
void mount_let_go(struct program *p);
/* A change of a program: the mount refuses it, or puts it behind a fence. It counts among those of
 * HTTP, which have none, if `bare`. */
void mount_change(struct program *p, const struct op *ops, uint32_t count, bool bare,
                  program_done *done);
void mount_refused(struct program *p); /* a step of its own kind follows */
/* Reads as a program does: `done` is called at the node, or not at all. */
void mount_read(struct program *p, void (*done)(struct program *p, bool well));
/* Will be done, sooner or later, unless the node goes. */
void mount_give_up(struct node *n, const struct op *op);
/* The wait, and then the lock: it may have been granted in between. */
void mount_give_up_wait(struct node *n, const struct op *unwait);

/* ---- setters.c, keepers.c, watchers.c ---- */

void setter_begin(struct program *p);
void setter_granted(struct program *p, uint64_t session);
void setter_ask_again(struct program *p);
void keeper_begin(struct program *p);
void watcher_begin(struct watcher *r);
void watcher_gone(struct watcher *r); /* its node is */
/* It has everything. */
void watcher_judge(struct watcher *r);

#endif
