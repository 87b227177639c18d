/* Private to the room: the locks that programs have at this mount, and wait for.
 *
 * The tree decides who has a lock (store/tree_locks.c). Here stands what may have to be given up
 * when a descriptor is closed, who waits for a grant, and whose locks are lost because the session
 * of this node has ended (replica/sessions.c).
 *
 * An open file to which an ephemeral one is bound (ephemeral.h) counts as one with a lock.
 *
 * While a program has a lock here, all changes of this mount begin with OP_FENCE: they take effect
 * only if the session goes on. If it has ended, changes of the programs concerned fail with EIO,
 * and all others are made once more without the fence. Concerned are changes through a descriptor
 * whose lock is lost, and those of a process that has the file of such a lock open, until it closes
 * it.
 *
 * Thread: the loop's. */
#ifndef QUORUMFS_FS_LOCKS_H
#define QUORUMFS_FS_LOCKS_H

#include "replica/replica.h"

#include <sys/queue.h>
#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>
#include <uv.h>

struct fs;
struct fs_file;
struct fs_handle;
struct fs_lock_wait;
struct fs_request;
struct fs_undone;

/* One owner of locks of a file. */
struct fs_lock {
    LIST_ENTRY(fs_lock) entry; /* of the file */
    uint64_t owner;            /* as the kernel names it: a process's files, or an open file */
    bool flock;
    struct fs_handle *handle; /* by which it was asked for last */
    bool held;                /* it may have a lock; otherwise requests are under way */
    uint32_t asked;           /* requests that are not answered */
};
LIST_HEAD(fs_lock_list, fs_lock);

struct fs_locks {
    struct replica_observer observer;
    uv_timer_t timer;     /* runs while something has to be done again */
    uint64_t session;     /* of all that are held; 0: none is */
    uint64_t held;        /* how many, with the handles that bind ephemeral files */
    uint64_t lost;        /* handles whose locks, or ephemeral files, are lost */
    uint64_t last_waiter; /* no number is used twice */
    TAILQ_HEAD(, fs_lock_wait) waits;
    TAILQ_HEAD(, fs_undone) undone; /* what is to be given up without a request */
};

void fs_locks_start(struct fs *fs, uv_loop_t *loop);
/* Answers all who wait, and gives the session up. The caller closes the timer. */
void fs_locks_stop(struct fs *fs);

/* A descriptor is closed: if its process may have locks of the file, gives them up, answers the
 * request, and returns true (lock.c). */
bool fs_locks_flush(fuse_req_t req, uint64_t ino, struct fuse_file_info *fi);
/* The handle goes: gives up what was locked by it, without waiting. */
void fs_locks_release(struct fs *fs, struct fs_handle *handle);

/* One more handle or owner relies on this session, or one less. */
void fs_locks_hold(struct fs *fs, uint64_t session);
void fs_locks_let_go(struct fs *fs);

/* The session within which the change has to take effect; 0: any. */
uint64_t fs_locks_fence(const struct fs_request *r);
/* Whether a lock is lost that its caller relies on: EIO. */
bool fs_locks_forbid(const struct fs_request *r);

#endif
