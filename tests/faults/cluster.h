/* The rest of the cluster: its decisions, and the trees of its nodes.
 *
 * The cluster decides one row of commands, made from a seed. A leader's log is a beginning of that
 * row, followed by commands that are never decided because the leader is deposed first; the
 * ballot's priority holds the index at which those begin, so that a ballot tells its whole log. */
#ifndef QUORUMFS_TESTS_FAULTS_CLUSTER_H
#define QUORUMFS_TESTS_FAULTS_CLUSTER_H

#include "paxos/paxos.h"
#include "store/tree.h"

enum {
    CLUSTER_ENTRIES = 320,
    CLUSTER_SNAPSHOT_STEP = 8, /* there is a snapshot at every index that this divides */
    CLUSTER_DISK = 1,          /* the disk of its tree, which never fails */
    LEADER_PID = 2,
    SILENT_PID = 3,
    NODE_PID = 1,
};

void cluster_start(uint64_t seed);
void cluster_end(void);

/* Borrowed. */
struct paxos_entry *cluster_entry(struct paxos_ballot ballot, uint64_t index);

/* The outcome of the entry when it is applied. */
struct cluster_outcome {
    int status;
    bool repeated;
    uint64_t revision;
};
struct cluster_outcome cluster_outcome(uint64_t index);
/* Of a tree at this applied index. */
uint64_t cluster_digest(uint64_t applied);

/* The pieces of a snapshot at `index`, a multiple of CLUSTER_SNAPSHOT_STEP. */
size_t cluster_piece_count(uint64_t index);
struct bytes cluster_piece(uint64_t index, size_t number);

#endif
