/* A node's promises to others, which must hold whatever happens to its disk; and the messages of
 * the others, beyond which it cannot be. */
#ifndef QUORUMFS_TESTS_FAULTS_LEDGER_H
#define QUORUMFS_TESTS_FAULTS_LEDGER_H

#include "paxos/paxos.h"
#include "store/tree.h"

enum { LEDGER_SYNCS = 4 };

struct ledger {
    /* Said by the node. */
    struct paxos_ballot promise;   /* in a Promise or an Accepted */
    struct paxos_ballot acc_round; /* in an Accepted, */
    uint64_t accepted;             /* with this much of the log */
    uint64_t folder;               /* in a JoinRequest, */
    uint32_t life;                 /* with this life */
    uint64_t incarnation;          /* in stamps */
    uint64_t tree_durable;         /* by a checkpoint or a snapshot: the log may be trimmed there */
    uint64_t installing;           /* a snapshot that began to take the tree's place, or 0 */
    uint64_t snapshot;             /* the last that did */
    /* Said by its leaders. */
    struct paxos_ballot ballot; /* the last one */
    uint64_t decided;
    struct {
        uint64_t n, end; /* the shortest log that a leader of this ballot began with */
    } syncs[LEDGER_SYNCS];
};

void ledger_said(struct ledger *ledger, const struct paxos_message *m);
void ledger_synced(struct ledger *ledger, uint64_t n, uint64_t end);

/* A snapshot is about to take the tree's place. */
void ledger_installing(struct ledger *ledger, uint64_t index);
void ledger_not_installed(struct ledger *ledger); /* certainly */
void ledger_installed(struct ledger *ledger);

/* Checks that the state which a node found at its start agrees; otherwise the test ends and names
 * the difference. Reads the whole tree: 0, or its error. Enters what a crash had left open. */
int ledger_check(struct ledger *ledger, const struct paxos_stored *stored, uint64_t incarnation,
                 struct tree *tree);

#endif
