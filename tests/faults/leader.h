/* The leaders that a node follows, one after the other: they prepare it, bring it in line, by
 * entries or by a snapshot, and send it more. They know the whole truth (cluster.h), so they need
 * no state but how far they are; the node is one of three, and the other two never fail. */
#ifndef QUORUMFS_TESTS_FAULTS_LEADER_H
#define QUORUMFS_TESTS_FAULTS_LEADER_H

#include "node.h"

struct leader {
    struct node *node;
    uint64_t *random;
    struct paxos_ballot ballot;
    uint64_t sent;   /* entries shipped, or to be shipped with the sync */
    uint64_t length; /* of its log */
    uint64_t psid, session, counter;
    bool prepare_due;             /* the node asked for it */
    struct paxos_message promise; /* answered next; type 0: none */
    struct paxos_message join;    /* likewise */
};

/* Registers with the node for what it says. */
void leader_start(struct leader *leader, struct node *node, uint64_t *random);
/* A new leader, with a ballot above all: its log is what is decided, and a little more. */
void leader_elect(struct leader *leader);
/* The last leader goes on, with a node that has started again. */
void leader_resume(struct leader *leader);
/* Answers what the node has said since the last time. Returns whether there was anything. */
bool leader_answer(struct leader *leader);
/* Sends entries; more than a session may carry, nothing. */
void leader_ship(struct leader *leader, uint64_t count);
/* Some more of the log is decided, by the others; `tell`: and the node is told. */
void leader_decide(struct leader *leader, uint64_t count, bool tell);

#endif
