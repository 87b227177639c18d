/* Private to the room: when the time of files and leases is up (store/tree_mortal.c), by a clock
 * that only counts on.
 *
 * Every node measures, from when it has applied the last change itself: that is not before the
 * change was asked for, so the time is never too short, whichever node leads and whatever its clock
 * shows. A node that leads from now on need not begin again. What the tree has already when it is
 * opened, or comes with a snapshot, counts from then.
 *
 * Time without a leader or a quorum does not count: clients could renew nothing. So what would have
 * ended is late by a change of leaders at most.
 *
 * Thread: the loop's. Times are those of a steady clock, in ms, and given by the caller. */
#ifndef QUORUMFS_REPLICA_EXPIRY_H
#define QUORUMFS_REPLICA_EXPIRY_H

#include "replica/deadlines.h"
#include "store/tree.h"

enum {
    EXPIRY_SPARE_MS = 50,   /* a client at another node hears of its write a little later */
    EXPIRY_AGAIN_MS = 1000, /* what was proposed and is still there is proposed again */
    EXPIRY_SCAN_MAX = 2048, /* of those in the tree, with each tick */
};

struct expiry {
    struct tree *tree;
    struct deadlines deadlines;
    uint64_t clock_ms; /* of the time that counts, up to `seen_ms` */
    uint64_t seen_ms;
    bool counts; /* time does, since then */
    bool scans;  /* not all that the tree had at `scan_clock_ms` is known yet, */
    uint64_t scan_after, scan_clock_ms; /* but what comes up to this key is */
};

void expiry_begin(struct expiry *e, struct tree *tree, uint64_t now_ms);
void expiry_end(struct expiry *e);
/* A snapshot took the tree's place. */
void expiry_replaced(struct expiry *e, uint64_t now_ms);
/* An entry was applied. 0, or an error: -ENOMEM, or that of the database. */
int expiry_applied(struct expiry *e, uint64_t now_ms);
/* From time to time. `counts`: there is a leader and a quorum. Errors as above. */
int expiry_tick(struct expiry *e, uint64_t now_ms, bool counts);
/* The next one whose time is up; false: there is none. expiry_asked: it was proposed. */
bool expiry_due(const struct expiry *e, uint64_t now_ms, struct tree_mortal *mortal);
int expiry_asked(struct expiry *e, uint64_t now_ms, const struct tree_mortal *mortal);
/* How long the file or lease has still, as far as this node knows; UINT64_MAX: no such one. */
uint64_t expiry_left_ms(const struct expiry *e, uint64_t now_ms, uint64_t key);

#endif
