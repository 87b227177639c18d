/* The actions of an input on a tree: commands of several nodes, repeated and out of order, and
 * reads in between. No input makes the database fail. */
#ifndef QUORUMFS_TESTS_FUZZ_EXPERIMENT_H
#define QUORUMFS_TESTS_FUZZ_EXPERIMENT_H

#include "lab.h"

/* Up to `actions` actions, as long as the input lasts. */
void experiment(struct tree *tree, struct source *input, uint32_t actions);

/* Hands a snapshot to the lab's tree. It is refused as malformed, or it is taken and must serve;
 * then the lab gets its own tree again. lab_snapshot was called. */
void experiment_with_snapshot(struct lab *lab, uint64_t index, const struct bytes *pieces,
                              uint32_t count, struct source *input);

#endif
