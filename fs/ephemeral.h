/* Private to the room: files below `.quorumfs/ephemeral`, which go with their last descriptor.
 *
 * The directory shows the tree (special.h). A file that is made there is bound to the open file
 * description that made it, and to the session of this node (store/tree_ephemeral.c): the kernel's
 * release gives it up, and if the session ends, the descriptor is lost like one with a lock
 * (locks.h). Its writes are decided at once, also with commit=close.
 *
 *   open(2) to write, of a name that is there   EBUSY if it is bound, EEXIST if it is not
 *   reading, listing, mkdir(2), unlink(2)       as in the tree
 *   attributes of a file                        can be changed by whoever has it
 *   any other change                            EROFS
 *
 * For open(2) to get as far as that for every user, files there look as if all might write them.
 *
 * Thread: the loop's. */
#ifndef QUORUMFS_FS_EPHEMERAL_H
#define QUORUMFS_FS_EPHEMERAL_H

#include <stdbool.h>
#include <stdint.h>

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

struct fs;
struct fs_handle;
struct op;

enum { FS_EPHEMERAL_UNKNOWN_MAX = 64 };

/* Files whose making has failed for its caller and may yet happen; then they are given up. */
struct fs_ephemeral {
    uint64_t unknown[FS_EPHEMERAL_UNKNOWN_MAX]; /* numbers of waiters; 0: none. The oldest are
                                                   forgotten */
    uint32_t next;
};

void fs_ephemeral_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
                         struct fuse_file_info *fi);
/* Why a file that is there cannot be opened to be written. */
int fs_ephemeral_open_error(struct fs *fs, uint64_t ino);
/* Whether a change may be made here, if it concerns these files at all. */
bool fs_ephemeral_permits(struct fs *fs, const struct op *op);
/* The handle goes: gives its file up, without waiting. */
void fs_ephemeral_release(struct fs *fs, struct fs_handle *handle);

/* The tree has a new file for this waiter of this node; or it may have any, after a snapshot. */
void fs_ephemeral_made(struct fs *fs, uint64_t ino, uint64_t waiter);
void fs_ephemeral_replaced(struct fs *fs);

#endif
