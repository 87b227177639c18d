/* The life of a node from a start to its end: its actions are chosen from a seed and include every
 * kind of write that a node ever makes. The changes of its disk can be kept, together with its
 * promises until then. */
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
/* The disk as it was before a change, and the promises made by then. */
struct disk *history_disk(const struct history *history, size_t point);
const struct ledger *history_ledger(const struct history *history, size_t point);

/* How often a life did each thing, so that a test can see that it has tested it. */
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
    bool failed_at_stop; /* a call failed while everything was being closed, when no report is
                            possible any more */
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
