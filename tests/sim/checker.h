/* The rules that must always hold, seen from outside: on disks, in messages, and in the entries
 * that nodes hand out. It does not know the driver of the nodes; the simulator and the exhaustive
 * search use the same one.
 *
 * The reference is not a leader's decided index but the chosen log: a prefix that W disks accepted
 * in one round. An entry must be chosen before it is decided, and a chosen entry never changes.
 *
 * An entry is known by its id, the first 8 bytes (little-endian) of it: not 0, and announced by
 * checker_proposed. One id may stand at several indices: a repeated proposal.
 *
 * Each check states its rule beside it. Held elsewhere: equal state at equal indices, exactly
 * once, and linearizable histories need a state (judge.c, linear.h); that stale psids, sessions
 * and connections have no effect shows in the others. */
#ifndef QUORUMFS_TESTS_SIM_CHECKER_H
#define QUORUMFS_TESTS_SIM_CHECKER_H

#include "base/buffer.h"
#include "paxos/paxos.h"

/* Is told the broken rule, in a sentence. Must not return. */
typedef void checker_fail(void *arg, const char *text);

/* A node's disk, borrowed for one call. */
struct checker_view {
    struct paxos_ballot promise, acc_round;
    bool member; /* it may vote */
    uint64_t decided;
    uint64_t base, end;
    struct paxos_entry *const *entries; /* [base, end) */
    uint64_t changed; /* of the entries, only those from here on may differ from the last view */
    uint64_t
        installed; /* the tree is durable by a snapshot at this index: entries below are void */
};

struct checker_node {
    uint32_t pid;
    struct paxos_ballot promise, acc_round; /* as last seen on disk */
    struct paxos_ballot claim_round;        /* its highest Accepted, as long as it binds: */
    uint64_t claim_accepted;
    struct paxos_ballot used;        /* highest ballot of its own, in this life, */
    struct paxos_ballot used_before; /* and in all lives before */
    struct paxos_ballot leads;       /* in which it was last seen to lead in accept */
    struct paxos_ballot tries;       /* in which it led, in any phase, at its last output */
    uint64_t decided;                /* as it was last told */
    uint64_t reads_ready;
};

struct checker_ids { /* 0: not seen */
    uint64_t *at;
    size_t count, cap;
};

struct checker_round {
    struct paxos_ballot ballot;
    uint64_t durable[PAXOS_NODES_MAX]; /* accepted in this round, as each disk once had it */
    uint64_t chosen;                   /* W of them have this much */
    struct checker_ids log;
};

struct checker {
    checker_fail *fail;
    void *arg;
    uint32_t count, write_quorum;
    struct checker_node nodes[PAXOS_NODES_MAX];
    uint64_t proposed; /* highest id */
    uint64_t emitted;  /* highest decided index that any node handed out */
    struct checker_ids chosen;
    uint64_t chosen_floor; /* by rounds that no disk can come back to, and which are forgotten */
    struct checker_round *rounds; /* rising ballots */
    size_t round_count, round_cap;
    uint64_t leaders; /* how many ballots were seen in accept */
};

/* `config`: the pids, in the order in which nodes are numbered here; its `me` does not matter. */
void checker_init(struct checker *c, const struct paxos_config *config, checker_fail *fail,
                  void *arg);
void checker_free(struct checker *c);
/* A copy of its own in `to`, which is not initialised before. */
void checker_copy(struct checker *to, const struct checker *from);
/* Appends everything that later checks depend on; equal histories give equal bytes. */
void checker_encode(const struct checker *c, struct buffer *b);

/* ---- Events, told when they happen ---- */

void checker_proposed(struct checker *c, uint64_t id);
/* A node starts from this; before paxos_new. */
void checker_start(struct checker *c, uint32_t node, const struct checker_view *view);
/* A node's disk and tree are empty again: it has forgotten everything. Not more of them at once
 * than may be lost, until they are members again. */
void checker_lost(struct checker *c, uint32_t node);
/* A write, or a tree that was installed from a snapshot, became durable. */
void checker_disk(struct checker *c, uint32_t node, const struct checker_view *view);
/* After each paxos_output. */
void checker_output(struct checker *c, uint32_t node, const struct paxos *core,
                    const struct paxos_output *out);
/* ... and then for each message of the output. Nothing of its write is on disk yet. */
void checker_message(struct checker *c, uint32_t node, const struct checker_view *view,
                     const struct paxos_message *m);
/* A node applies this entry, perhaps again after a crash. */
void checker_applied(struct checker *c, uint32_t node, uint64_t index, uint64_t id);

/* A read that begins now must be answered from this index or a later one ... */
uint64_t checker_read_begins(const struct checker *c);
/* ... and was. */
void checker_read_answered(struct checker *c, uint32_t node, uint64_t least, uint64_t index);

/* ---- */

uint64_t checker_id(const struct paxos_entry *e);

#endif
