/* The parts of scenarios: a settled cluster, a fault, and the bounds that are promised for it. */
#ifndef QUORUMFS_TESTS_SIM_SITUATION_H
#define QUORUMFS_TESTS_SIM_SITUATION_H

#include "partition.h"
#include "progress.h"
#include "sim.h"

enum { A, B, C, D, E }; /* nodes, by index */

/* A new leader is there within 4 election timeouts; round trips and disks are small beside a tick.
 */
enum { ELECTION = 4 * SIM_TICK + SIM_TICK / 10 };

struct sim_scenario {
    const char *name; /* NULL: the last one of a table */
    void (*run)(const char *name, uint64_t seed);
};

extern const struct sim_scenario sim_partitions[], sim_crashes[], sim_messages[], sim_snapshots[],
    sim_reads[], sim_emptied[], sim_leases[];

extern const struct sim_options sim_usual; /* three nodes, a quick network, nothing is trimmed */

/* A cluster in which `leader` leads and every node makes progress. */
struct sim_world *sim_settled(const char *name, uint64_t seed, struct sim_options o,
                              uint32_t leader);
/* Heals everything, expects all nodes to have everything, and frees the world. */
void sim_finish(struct sim_world *w);

struct paxos_status sim_status(const struct sim_world *w, uint32_t node);
uint64_t sim_highest_ballot(const struct sim_world *w);

/* Proposals and a read at `node` are answered within a tick. */
void sim_expect_progress(struct sim_world *w, uint32_t node);
void sim_expect_leader(struct sim_world *w, uint32_t node, uint64_t within);

/* A message that matters: the `wait`-th of a type that a node sends from now on. */
enum sim_fate { SIM_GOES_ON, SIM_GETS_LOST, SIM_IS_HELD };

struct sim_watched {
    uint8_t type;
    uint32_t from; /* SIM_NOBODY: any node; its sender, once it is seen */
    uint32_t wait;
    enum sim_fate fate;
    bool seen;
    struct paxos_message held;
};

extern struct sim_watched sim_watched;

void sim_watch_for(struct sim_world *w, uint8_t type, uint32_t from, uint32_t wait,
                   enum sim_fate fate);
/* Until the message is sent, and at most `steps` steps. */
void sim_run_until_seen(struct sim_world *w, uint64_t steps);
/* The held messages arrive. */
void sim_let_go(struct sim_world *w);

#endif
