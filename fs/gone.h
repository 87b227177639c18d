/* Private to the room: removed inodes that are still in use at this mount.
 *
 *   removed here while open:  the cluster holds the inode for this node, which can read and write
 *                             it, and gives it back after the last close (OP_RELEASE)
 *   removed by another node:  this node keeps the inode as it was, for reading (tree_keep)
 *
 * For the second rule, an inode that was looked up a moment ago counts as open. Within one system
 * call the kernel asks first for a name and then for its inode; if any node replaces the file in
 * between, open(2) or stat(2) must not fail.
 *
 * Thread: the loop's. */
#ifndef QUORUMFS_FS_GONE_H
#define QUORUMFS_FS_GONE_H

#include "replica/replica.h"

#include <sys/queue.h>
#include <uv.h>

struct fs;

enum {
    FS_SEEN_MS = 1000, /* the moment */
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
    struct fs_sight seen[FS_SEEN_MAX]; /* by inode number; a newer sight replaces an older one */
    struct fs_leftovers kept;          /* because they were seen; let go after the moment */
    struct fs_leftovers refused; /* the cluster refused to take them back: to be tried again */
};

/* Also gives back the inodes that the cluster holds for an earlier process of this node. */
void fs_gone_start(struct fs *fs, uv_loop_t *loop);
/* Gives back all held inodes, and lets the kept ones go. The caller closes the timer. */
void fs_gone_stop(struct fs *fs);

/* Called when the kernel has got this inode as the answer to a name. */
void fs_gone_seen(struct fs *fs, uint64_t ino);
/* Called when the last handle of an inode was closed. */
void fs_gone_closed(struct fs *fs, uint64_t ino, bool held);
/* Tells the cluster, without waiting, that this node no longer holds the inode. */
void fs_give_back(struct fs *fs, uint64_t ino);

#endif
