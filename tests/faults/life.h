/* The life of a node from a start to its end: what it does is chosen from a seed, with every kind
 * of thing that a node ever writes. What it does to its disk can be kept, together with what it had
 * said until then. */
#ifndef QUORUMFS_TESTS_FAULTS_LIFE_H
#define QUORUMFS_TESTS_FAULTS_LIFE_H

#include "leader.h"

/* Every change of a disk from `start` on. */
struct history {
    struct disk *start;
    struct disk_change_list changes;
    struct ledger *ledgers; /* as it was before each change */
    size_t ledger_cap;
    struct ledger last; /* at the end */
};

void history_free(struct history *history);

/* How often a life did what; so that a test can see that it has tested it. */
struct life_counts {
    uint64_t commits, applied, checkpoints, wal_checkpoints, trims, truncations, snapshots_served,
        snapshots_installed, restarts;
};

struct life {
    struct node node;
    struct leader leader;
    struct ledger ledger;
    struct disk *disk;
    struct history *history; /* NULL: not kept */
    uint64_t random;
    struct life_counts counts;
    bool inside;         /* of a change of the disk that a background job makes */
    bool failed_at_stop; /* a call failed when everything was closed: nobody can be told any more */
};

/* Starts a node on the disk, whose earlier life has left `ledger`. Returns the node's status. */
int life_begin(struct life *life, struct disk *disk, const struct ledger *ledger, uint64_t seed,
               struct history *history);
/* Until the node is in line with a leader again and has applied what is decided. */
void life_recover(struct life *life);
/* The node hears nothing for a while, and needs a snapshot then. */
void life_fall_behind(struct life *life);
/* So many random steps, or until the node is broken. */
void life_go_on(struct life *life, unsigned steps);
/* Stops the node properly, if it is not broken. Its process is then gone, in any case. The disk
 * stays. */
void life_end(struct life *life);
/* The same without stopping: killed. */
void life_kill(struct life *life);

#endif
