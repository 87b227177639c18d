/* An input as a program: the events in a cluster, one after the other. */
#ifndef QUORUMFS_TESTS_FUZZ_PROGRAM_H
#define QUORUMFS_TESTS_FUZZ_PROGRAM_H

#include "cluster.h"

/* Quorums and pids out of the input. */
struct paxos_config program_config(struct source *s);
/* One thing that honest nodes on bad links and disks can meet. */
void program_step(struct cluster *c, struct source *s);

#endif
