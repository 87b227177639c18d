/* The faults of a history: each history draws its kinds of faults, and how often they happen. */
#ifndef QUORUMFS_TESTS_SIM_FAULTS_H
#define QUORUMFS_TESTS_SIM_FAULTS_H

#include "sim.h"

struct sim_faults {
    uint64_t kinds;          /* a bit for each that happens in this history */
    uint32_t often;          /* permille of turns with a fault */
    uint32_t flap_a, flap_b; /* a link that comes and goes; the same: none */
};

struct sim_faults sim_faults_draw(struct sim_random *r);
void sim_faults_turn(struct sim_world *w, struct sim_faults *f);

#endif
