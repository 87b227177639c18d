/* Which links remain. Links are cut in both directions unless it says otherwise. */
#ifndef QUORUMFS_TESTS_SIM_PARTITION_H
#define QUORUMFS_TESTS_SIM_PARTITION_H

#include "sim.h"

void sim_isolate(struct sim_world *w, uint32_t node);
void sim_leave_star(struct sim_world *w, uint32_t centre); /* only the links of one node remain */
void sim_leave_chain(struct sim_world *w, uint32_t first); /* each has links to its neighbours */
void sim_leave_halves(struct sim_world *w);                /* two random groups */
void sim_leave_constrained(struct sim_world *w, uint32_t centre, uint32_t alone);
/* Each link is cut with a chance, some of them in one direction only. */
void sim_cut_at_random(struct sim_world *w, uint32_t permille);
/* One of these. */
void sim_partition_at_random(struct sim_world *w);

#endif
