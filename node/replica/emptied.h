/* Private to the room: files that an open(2) has emptied a moment ago, and reads that wait for
 * their contents.
 *
 * `>` is two entries of the log: one empties the file, the next one has the contents. A reader that
 * comes between the two waits for the second one, for a moment that is counted from when this node
 * applied the first. What is remembered is this node's own; no other node need agree, and it is
 * forgotten with the process.
 *
 * Thread: the loop's. */
#ifndef QUORUMFS_REPLICA_EMPTIED_H
#define QUORUMFS_REPLICA_EMPTIED_H

#include "replica/replica.h"

enum {
    EMPTIED_MAX = 256,           /* files; a later one takes the place of the oldest */
    EMPTIED_WAITERS_MAX = 16384, /* reads; further ones do not wait */
};

struct emptied_file {
    uint64_t ino; /* 0: none */
    uint64_t until_ms;
};

struct emptied_waiter {
    TAILQ_ENTRY(emptied_waiter) entry;
    uint64_t ino;
    uint64_t until_ms;
    void (*done)(void *arg);
    void *arg;
};
TAILQ_HEAD(emptied_waiters, emptied_waiter);

struct emptied {
    struct tree *tree;
    uv_timer_t timer; /* runs until the first of `waiters` has waited long enough */
    struct emptied_file files[EMPTIED_MAX];
    uint32_t next; /* the oldest of `files` */
    struct emptied_waiters waiters;
    uint32_t waiter_count;
};

/* The caller closes the timer. */
void emptied_begin(struct emptied *emptied, uv_loop_t *loop, struct tree *tree);
/* Called when an entry was applied. */
void emptied_applied(struct emptied *emptied);
/* replica_await_contents and replica_stays_empty */
bool emptied_await(struct emptied *emptied, uint64_t ino, void (*done)(void *arg), void *arg);
void emptied_stays(struct emptied *emptied, uint64_t ino);
/* Lets all reads go on: the node stops, or a snapshot took the tree's place. */
void emptied_end(struct emptied *emptied);

#endif
