/* Private to the room: inodes that are gone, or about to go, and are still in use at this mount.
 *
 *   removed here while open:  the cluster holds the inode for this node, which can read and write
 *                             it, and gives it back after the last close (OP_RELEASE)
 *   removed by another node:  this node keeps what it was, for reading (tree_keep)
 *
 * What was looked up a moment ago counts as open for the second. Within one system call the kernel
 * asks for a name first and then for the inode behind it; a file that is replaced in between, by
 * whichever node, must not make open(2) or stat(2) fail.
 *
 * Thread: the loop's. */
#ifndef QUORUMFS_FS_GONE_H
#define QUORUMFS_FS_GONE_H

#include "replica/replica.h"

#include <sys/queue.h>
#include <uv.h>

struct fs;

enum {
    FS_SEEN_MS = 1000, /* a moment */
    FS_SEEN_MAX = 4096,
};

struct fs_leftover {
    STAILQ_ENTRY(fs_leftover) entry;
    uint64_t ino;
    uint64_t since_ms;
};
struct fs_sight {
    uint64_t ino;
    uint64_t at_ms;
};
STAILQ_HEAD(fs_leftovers, fs_leftover);

struct fs_gone {
    struct tree_keeper keeper;
    uv_timer_t timer;                  /* runs while one of the lists is not empty */
    struct fs_sight seen[FS_SEEN_MAX]; /* by inode number; the newer one takes the place */
    struct fs_leftovers kept;    /* because they were seen; until that is more than a moment ago */
    struct fs_leftovers refused; /* the cluster did not take them back: to be tried again */
};

/* Also gives back what an earlier process of this node held. */
void fs_gone_start(struct fs *fs, uv_loop_t *loop);
/* Gives back all that is held, and keeps nothing any more. The timer stays to be closed. */
void fs_gone_stop(struct fs *fs);

/* The kernel has been told of this inode by its name. */
void fs_gone_seen(struct fs *fs, uint64_t ino);
/* Its last handle was closed. */
void fs_gone_closed(struct fs *fs, uint64_t ino, bool held);
/* Tells the cluster that this node no longer holds the inode. Nobody waits for it. */
void fs_give_back(struct fs *fs, uint64_t ino);

#endif
