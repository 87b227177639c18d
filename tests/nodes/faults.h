#ifndef QUORUMFS_TESTS_NODES_FAULTS_H
#define QUORUMFS_TESTS_NODES_FAULTS_H

#include "nodes.h"

struct faults {
    uint64_t kinds;
    uint32_t often; /* permille of turns in which one begins or ends */
};

struct faults faults_draw(struct sim_random *r);
void faults_turn(struct world *w, const struct faults *f);
/* None is left. */
void faults_heal(struct world *w);

#endif
