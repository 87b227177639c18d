/* A question that programs can ask about an open file of the mount: whether the flock(2) that was
 * taken through it stands, under which token, and for how long at least.
 *
 *     struct quorumfs_lock_held held;
 *     if (ioctl(fd, QUORUMFS_LOCK_HELD, &held) == 0) ...
 *
 * ENOTTY: this is no file of a mount of quorumfs; ENOLCK: no flock was taken through this
 * descriptor; EIO: the lock is lost. The node answers from what it knows, at once. Thread: any. */
#ifndef QUORUMFS_BASE_LOCK_HELD_H
#define QUORUMFS_BASE_LOCK_HELD_H

#include <stdint.h>
#include <sys/ioctl.h>

struct quorumfs_lock_held {
    uint64_t token;   /* the revision of the grant: what comes with a lower one is out of date */
    uint64_t left_ms; /* for so long, from before the question, no other one gets the lock; 0: it is
                         not known whether it still stands */
};
#define QUORUMFS_LOCK_HELD _IOR('q', 1, struct quorumfs_lock_held)

#endif
