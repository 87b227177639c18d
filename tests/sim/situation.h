/* What scenarios are made of (protocol.md, "Simulator scenarios"): a settled cluster, something
 * that goes wrong, and the bounds that are promised for it. */
#ifndef QUORUMFS_TESTS_SIM_SITUATION_H
#define QUORUMFS_TESTS_SIM_SITUATION_H

#include "sim.h"

enum { A, B, C, D, E, NOBODY = SIM_NODES_MAX }; /* nodes, by index */

/* A new leader is there within 4 election timeouts; round trips and disks are small beside a tick.
 */
enum { ELECTION = 4 * SIM_TICK + SIM_TICK / 10 };

struct sim_scenario {
    const char *name; /* NULL: the last one of a table */
    void (*run)(const char *name, uint64_t seed);
};

extern const struct sim_scenario sim_partitions[], sim_crashes[];

extern const struct sim_options sim_usual; /* three nodes, a quick network, nothing is trimmed */

/* A cluster in which `leader` leads and every node makes progress. */
struct sim_world *sim_settled(const char *name, uint64_t seed, struct sim_options o,
                              uint32_t leader);
/* Heals everything, expects everybody to have everything, and frees the world. */
void sim_finish(struct sim_world *w);

struct paxos_status sim_status(const struct sim_world *w, uint32_t node);
uint32_t sim_leader(const struct sim_world *w); /* highest ballot in accept, or NOBODY */
uint64_t sim_highest_ballot(const struct sim_world *w);

/* Proposals and a read at `node` are answered within a tick. */
void sim_expect_progress(struct sim_world *w, uint32_t node);
void sim_expect_leader(struct sim_world *w, uint32_t node, uint64_t within);

void sim_isolate(struct sim_world *w, uint32_t node);
void sim_leave_star(struct sim_world *w, uint32_t centre); /* only the links of one node remain */

/* Which message is to be lost, or only seen: the `wait`-th of a type from now on. */
struct sim_watched {
    uint8_t type;
    uint32_t wait;
    bool lose, seen;
    uint32_t from; /* the node that sent it */
};

extern struct sim_watched sim_watched;

void sim_watch_for(struct sim_world *w, uint8_t type, uint32_t wait, bool lose);

#endif
