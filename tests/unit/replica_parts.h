/* For the tests of the replica's parts (writes.c, reads.c, checkpoint.c, snapshot_*.c), one at a
 * time: the replica's state with a tree of its own, and in the core's place a recorder of the
 * core's input. */
#ifndef QUORUMFS_TEST_REPLICA_PARTS_H
#define QUORUMFS_TEST_REPLICA_PARTS_H

#include "tree_fixture.h"

#include "replica/replica_internal.h"

enum { PARTS_ME = 7, PARTS_INCARNATION = 100, PARTS_TOLD_MAX = 256 };

struct parts {
    struct fixture store;
    struct config config; /* requests wait 5 s */
    struct replica r;     /* has a quorum and a leader; a core only if a test lends it one */
    /* The core's input since parts_forget. */
    size_t proposed_count;
    struct paxos_entry *proposed[PARTS_TOLD_MAX]; /* borrowed: valid while the command waits */
    size_t read_count;
    uint64_t read_ids[PARTS_TOLD_MAX];
    bool lease_wanted; /* with the last one */
    bool trimmed;
    uint64_t trimmed_to;
};

struct parts *parts_new(void);
void parts_free(struct parts *p);
/* A core of one node to lend it, with a log. The caller frees it. */
struct paxos *parts_core(struct paxos_ballot round, struct paxos_entry **entries, uint32_t count);
void parts_forget(struct parts *p);

/* The n-th proposal's stamp. */
struct stamp parts_stamp(const struct parts *p, size_t n);
/* Applies the n-th proposal to the tree; the caller frees the result. */
struct command_result parts_apply(struct parts *p, size_t n, bool *repeated);

#endif
