/* Private to the room: a request for a lock, from the kernel's question to its answer, which may
 * come much later. What locks.c and lock.c share. Thread: the loop's. */
#ifndef QUORUMFS_FS_LOCK_WAIT_H
#define QUORUMFS_FS_LOCK_WAIT_H

#include "fs/request.h"

struct fs_lock_wait {
    TAILQ_ENTRY(fs_lock_wait) entry; /* of fs->locks.waits */
    struct fs *fs;
    fuse_req_t req;
    struct fs_file *file;
    struct fs_lock *lock;
    struct tree_lock want; /* with the number of the waiter */
    bool sleeps;           /* it waits if the lock is not free; */
    bool waiting;          /* it does */
    bool interrupted;      /* the wait is to be taken back; */
    bool taking_back;      /* this is under way */
    bool delayed;          /* something of the same owner is given up first */
};

/* NULL: there is no memory. Once made, one of those that follow answers it. */
struct fs_lock_wait *fs_lock_wait_new(fuse_req_t req, struct fs_handle *handle,
                                      const struct tree_lock *want, bool sleeps);
/* An operation on the lock, as it is described (lock.c). */
struct op fs_lock_op(uint8_t type, const struct tree_lock *lock);
/* Asks the cluster (lock.c). */
void fs_lock_ask(struct fs_lock_wait *w);
/* Answers with an errno, or 0, and frees it. The lock is not held by it. */
void fs_lock_answer(struct fs_lock_wait *w, int error);
/* The lock is held, in this session: answers. */
void fs_lock_granted(struct fs_lock_wait *w, uint64_t session);
/* It was free: the lock is held, unless this session has ended meanwhile. */
void fs_lock_taken(struct fs_lock_wait *w, uint64_t session);
/* The tree has it among those that wait. */
void fs_lock_waits(struct fs_lock_wait *w);
/* The question has failed, and is answered elsewhere: frees it. `unknown`: it may have taken
 * effect. */
void fs_lock_failed(struct fs_lock_wait *w, bool unknown);

/* The entry of the owner at the file, or NULL: it has nothing. */
struct fs_lock *fs_lock_find(const struct fs_file *file, uint64_t owner, bool flock);
/* r->lock is given up: forgets the owner if it has nothing else. */
void fs_lock_given_up(struct fs_request *r);
/* Gives it up, or the wait for it, without a request: tries as often as it takes. */
void fs_lock_give_up_later(struct fs *fs, const struct tree_lock *lock);
void fs_lock_unwait_later(struct fs *fs, const struct tree_lock *lock);
/* Submits what is to be given up, as often as it takes to be decided. */
void fs_undone_add(struct fs *fs, const struct op *op);
/* Whether something of this owner is being given up that must not come after the request: then it
 * is asked later. */
bool fs_lock_must_wait(struct fs_lock_wait *w);

#endif
