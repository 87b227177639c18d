/* The rest of the cluster: what it decides, and the trees of its nodes.
 *
 * Decided is one row of commands, made from a seed. A leader's log is its beginning, and then
 * commands that will never be decided, because the leader loses its office before; where those
 * begin is kept in the ballot's priority, so that a ballot tells its whole log. */
#ifndef QUORUMFS_TESTS_FAULTS_CLUSTER_H
#define QUORUMFS_TESTS_FAULTS_CLUSTER_H

#include "paxos/paxos.h"
#include "store/tree.h"

enum {
    CLUSTER_ENTRIES = 320,
    CLUSTER_SNAPSHOT_STEP = 8, /* there is a snapshot at every index that this divides */
    CLUSTER_DISK = 1,          /* where its tree is: a disk that never fails */
    LEADER_PID = 2,
    SILENT_PID = 3,
    NODE_PID = 1,
};

void cluster_start(uint64_t seed);
void cluster_end(void);

/* Borrowed. */
struct paxos_entry *cluster_entry(struct paxos_ballot ballot, uint64_t index);

/* What becomes of the entry when it is applied. */
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
