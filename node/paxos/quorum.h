/* How many nodes it takes: the one place that counts them. Pure, like the rest of the room; also
 * for those who only look at a cluster (a replica that compares digests, a status).
 *
 * R nodes promise a ballot before it is led in, W nodes accept an entry before it is decided, and
 * R + W > N: every leader has a promise from a node that accepted what was decided before. */
#ifndef QUORUMFS_PAXOS_QUORUM_H
#define QUORUMFS_PAXOS_QUORUM_H

#include <stdbool.h>
#include <stdint.h>

struct paxos_quorums {
    uint32_t nodes, read, write; /* N, R, W */
};

uint32_t paxos_majority(uint32_t nodes);

/* `read` and `write` of 0 mean the majority. Asserts R, W <= N and R + W > N. */
struct paxos_quorums paxos_quorums_of(uint32_t nodes, uint32_t read, uint32_t write);

/* So many can both elect a leader and decide. */
uint32_t paxos_quorum_to_work(struct paxos_quorums q);

/* So many members, this node not counted, must answer a node with an empty folder before it is let
 * in: they share a node with every set of R - 1 or W - 1 others (join.c). */
uint32_t paxos_quorum_to_join(struct paxos_quorums q);

/* So many nodes with empty folders, this node not counted, found a cluster with it: more than may
 * lose their folders at the same time. */
uint32_t paxos_quorum_to_found(struct paxos_quorums q);

/* Whether no R nodes can promise a later ballot without one of these `nodes` (read.c). */
bool paxos_quorum_confirms(struct paxos_quorums q, uint32_t nodes);

#endif
