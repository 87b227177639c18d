/* A replica for the tests of the file system door: one real tree, no consensus. Two mounts on it
 * behave as those of two nodes do. */
#ifndef QUORUMFS_TESTS_FAKE_REPLICA_FS_H
#define QUORUMFS_TESTS_FAKE_REPLICA_FS_H

#include "replica/replica.h"

#include <stdatomic.h>

/* In memory that the loop's process shares with those that use the mounts. */
struct fake_control {
    atomic_bool deferred; /* answers come in a later turn of the loop, not inside the call */
    atomic_bool stalled;  /* deferred answers do not come at all */
    atomic_int slow_ms;   /* delay of answers, except those at deadlines; 0: as `deferred` says */
    atomic_bool late; /* the next change is answered with REPLICA_TIMEOUT, and then takes effect */
    atomic_bool overtaken; /* before the next change is answered, a snapshot takes the tree's place
                              in which the session of the node has ended */
    atomic_int outcome;    /* enum replica_outcome, of every request but local reads */
    atomic_ulong commands, reads;
    bool mounted; /* as a door has said last with replica_mount_is */
    char mount_why[FAULT_TEXT_MAX];
};

/* `folder` is made. Aborts on failure. */
struct replica *fake_replica_start(uv_loop_t *loop, const struct config *config, const char *folder,
                                   struct fake_control *control);
/* Whether everything is answered. */
bool fake_replica_idle(const struct replica *replica);
/* Frees once the loop has run. Only when idle. */
void fake_replica_stop(struct replica *replica);

#endif
