/* Random operations on a small tree, so that they meet: few names, few inodes, sizes around the
 * limits where contents change their place. */
#ifndef QUORUMFS_TESTS_TREE_WORKLOAD_H
#define QUORUMFS_TESTS_TREE_WORKLOAD_H

#include "command/command.h"

enum {
    WORKLOAD_FILE_MAX = 300000, /* bytes; no operation makes a longer file */
    WORKLOAD_LEASES = 6,        /* their ids are 1 and up */
};

/* An operation on inodes up to `inodes`; the same for the same state. Its bytes are static. */
struct op workload_op(uint64_t *state, uint32_t inodes);
/* The beginning of a command that is checked with the rights of some user. */
struct op workload_as(uint64_t *state);

#endif
