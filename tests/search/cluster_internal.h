/* Making a new state out of a shared one. Private to cluster.c and moves.c. */
#ifndef QUORUMFS_TESTS_SEARCH_CLUSTER_INTERNAL_H
#define QUORUMFS_TESTS_SEARCH_CLUSTER_INTERNAL_H

#include "cluster.h"

/* Shares everything with `c`. */
struct cluster *cluster_copy(const struct cluster *c);
/* These belong to this state alone from now on, and may be changed until cluster_settle. */
struct node *cluster_change_node(struct cluster *c, uint32_t i);
struct checker *cluster_change_history(struct cluster *c);

void cluster_add_message(struct cluster *c, struct paxos_message *m); /* takes it */
struct flying *cluster_take_message(struct cluster *c, uint32_t at);  /* with its reference */
void cluster_lose_messages(struct cluster *c, uint32_t from, uint32_t to);
bool cluster_first_on_link(const struct cluster *c, uint32_t at);
void flying_unref(struct flying *f);

struct paxos_config cluster_config(const struct scope *scope, uint32_t i);
void cluster_start_node(struct cluster *c, uint32_t i); /* from what is on its disk */
/* The change is complete: fingerprints of what was changed. */
void cluster_settle(struct cluster *c);

/* ---- session.c ---- */

/* After each output of the node. */
void session_follow_ballot(struct cluster *c, uint32_t i);
/* Whether the node leads, and may find the HOLDER silent; and proposes this entry for that. */
bool session_can_end(const struct cluster *c, uint32_t i);
void session_ends(struct cluster *c, uint32_t i, uint64_t id);
/* A message arrives. False: it is dropped, as a leader answers no read of a node whose session it
 * ends. */
bool session_hears(struct cluster *c, const struct paxos_message *m);
void session_applied(struct cluster *c, uint32_t i, uint64_t index, uint64_t id);
/* A read of the HOLDER is confirmed, and its tree is as new. */
void session_confirmed(struct cluster *c, uint64_t asked);

#endif
