/* Liveness: when the faults stop, or are only a partition that leaves a quorum-connected node,
 * progress resumes within a stated time. */
#ifndef QUORUMFS_TESTS_SIM_PROGRESS_H
#define QUORUMFS_TESTS_SIM_PROGRESS_H

#include "sim.h"

enum {
    /* Until a proposal and a read are answered at every node that reaches the leader. One after
     * the other, at worst: 8 for a snapshot that is still being installed; 8 for a follower whose
     * patience has grown (PAXOS_RESEND_TICKS_MAX) and 8 more for the answer; 8 for a suffix whose
     * holder is gone (PAXOS_PULL_TICKS_MAX); 4 for an election; 5 for a stranded follower
     * (PAXOS_STRANDED_TICKS) and 4 for the election that it brings: 45, of clocks that may be a
     * third too slow. Then 13 for the longest lease that a node may have vouched for before it
     * restarted. Histories need about half of it. */
    SIM_RESUME_TICKS = 75,
    SIM_SETTLE_TICKS = 10, /* after that, for the last two: another node may lead once more */
    SIM_STABLE_TICKS = 20, /* after that: no other node does */
};

/* Ends every fault but cut links and nodes that are down, once what is stuck or stopped goes on. */
void sim_calm(struct sim_world *w);
void sim_start_all(struct sim_world *w); /* that are down */
/* All links, all nodes; no more faults. */
void sim_heal(struct sim_world *w);

/* A member that a quorum of members is linked to, itself included. */
bool sim_quorum_connected(const struct sim_world *w, uint32_t node);
/* Highest ballot in accept, or SIM_NOBODY. */
uint32_t sim_leader(const struct sim_world *w);
/* By a link, or where messages are relayed by one node in between. */
bool sim_reaches(const struct sim_world *w, uint32_t node, uint32_t leader);

/* From now on, until a node leads, and a proposal and a read at every node that reaches it are
 * answered. Fails after SIM_RESUME_TICKS; returns the ticks that it took. */
uint64_t sim_expect_resumed(struct sim_world *w);
/* After SIM_SETTLE_TICKS the leader stays the same, and goes on; and a node that does not reach it,
 * and cannot serve, shows that in its status. */
void sim_expect_stable(struct sim_world *w);

#endif
