/* How many nodes it takes: the one place where quorums are computed, for the core and for the rooms
 * that use it.
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

/* So many nodes can both elect a leader and decide. */
uint32_t paxos_quorum_to_work(struct paxos_quorums q);

/* So many members must answer a node with an empty folder before it is let in (join.c); all others,
 * if there are no more. They share a node with every set of R - 1 or W - 1 others. */
uint32_t paxos_quorum_to_join(struct paxos_quorums q);

/* So many other nodes with empty folders found a cluster with this one (join.c). */
uint32_t paxos_quorum_to_found(struct paxos_quorums q);

/* Whether no R nodes can promise a later ballot without one of these `nodes` (read.c). */
bool paxos_quorum_confirms(struct paxos_quorums q, uint32_t nodes);

#endif
