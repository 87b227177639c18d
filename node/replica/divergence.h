/* Private to the room: the digests of history (tree_history) that nodes tell each other show
 * whether this node's tree differs from the others', and which of them is wrong.
 *
 * Each node tells the others how many entries it has applied, and the digest after them. Such a
 * claim is compared once this node has applied as many. A digest that differs once differs ever
 * after, and an equal one means that all before it was equal. So if nodes differ, only those that
 * agree with a majority can be right. A node that can no longer belong to a majority stops, even if
 * it leads; if there is none (two nodes, or two against two), all of them stop. As long as the
 * answers of other nodes are missing to decide that, a node refuses to serve.
 *
 * No I/O, no clock. Thread: none of its own. */
#ifndef QUORUMFS_REPLICA_DIVERGENCE_H
#define QUORUMFS_REPLICA_DIVERGENCE_H

#include "base/fault.h"
#include "paxos/paxos.h"

enum {
    DIVERGENCE_RECENT = 16384, /* own digests that are kept; claims about older ones are dropped */
    DIVERGENCE_DOUBT_BEATS = 10, /* a difference may stay unexplained so long */
    DIVERGENCE_UNREACHED_BEATS =
        20, /* what a node has applied may take so long to be decided here */
};

/* A node's digest after so many entries. */
struct claim {
    uint64_t index, digest;
};

struct divergence_peer {
    uint32_t pid;
    bool waits; /* `claim`, the last that was taken, is about what is not applied here yet */
    struct claim claim;
    uint32_t unreached_beats; /* for which it has waited although nothing more is decided here */
    uint64_t equal_at;        /* the highest index at which it was equal */
    bool differs;             /* from this node: it said `other` where this node had `own` */
    struct claim other;
    uint64_t own;
};

struct divergence {
    uint32_t peer_count;
    struct divergence_peer peers[PAXOS_NODES_MAX];
    uint64_t oldest, newest; /* indices whose own digests are known */
    uint64_t recent[DIVERGENCE_RECENT];
    uint32_t beats_in_doubt;
};

enum divergence_verdict {
    DIVERGENCE_NONE,  /* of the nodes that could be compared a majority, or all, agree with this one
                       */
    DIVERGENCE_DOUBT, /* a node differs, and it is not known yet which is right */
    DIVERGENCE_WRONG, /* no majority can agree with this node */
};

void divergence_init(struct divergence *d, const uint32_t *pids, uint32_t count);
/* The own state is this now: at the start, and after a snapshot. */
void divergence_begin(struct divergence *d, struct claim own);
/* One more entry was applied. */
void divergence_applied(struct divergence *d, struct claim own);
/* What a peer says. */
void divergence_told(struct divergence *d, uint32_t pid, struct claim claim);
/* To be called with each heartbeat: compares what has waited, and judges. */
enum divergence_verdict divergence_judge(struct divergence *d);
/* Likewise: `caught_up` says that this node is in line with a leader, and has applied all that it
 * knows to be decided. */
void divergence_beat(struct divergence *d, bool caught_up);
/* Whether this peer says that it has applied more than will be decided here, as it seems: *index.
 */
bool divergence_unreached(const struct divergence *d, uint32_t pid, uint64_t *index);
/* If nodes differ: which ones, and by what that is known, as one clause for the operator. */
void divergence_describe(const struct divergence *d, char text[FAULT_TEXT_MAX]);

#endif
