/* Liveness: when the faults stop, or are only a partition that leaves a quorum-connected node,
 * progress resumes within a stated time (protocol.md, "Partial connectivity"). */
#ifndef QUORUMFS_TESTS_SIM_PROGRESS_H
#define QUORUMFS_TESTS_SIM_PROGRESS_H

#include "sim.h"

enum {
    /* Until a proposal and a read are answered at every node that reaches the leader. A leader is
     * elected within 4 ticks (the paper's bound) of the last nodes' having seen each other; before
     * that, ... */
    SIM_RESUME_TICKS = 60,
};

/* Ends every fault but cut links and nodes that are down, once what is stuck or stopped goes on. */
void sim_calm(struct sim_world *w);
void sim_start_all(struct sim_world *w); /* that are down */
/* All links, all nodes; no more faults. */
void sim_heal(struct sim_world *w);

/* A node that a quorum is linked to, itself included. */
bool sim_quorum_connected(const struct sim_world *w, uint32_t node);
/* Highest ballot in accept, or SIM_NOBODY. */
uint32_t sim_leader(const struct sim_world *w);
/* By a link, or where messages are relayed by one node in between. */
bool sim_reaches(const struct sim_world *w, uint32_t node, uint32_t leader);

/* From now on, until somebody leads, and a proposal and a read at every node that reaches it are
 * answered. Fails after SIM_RESUME_TICKS; returns the ticks that it took. */
uint64_t sim_expect_resumed(struct sim_world *w);

#endif
