/* Private to the room: `.quorumfs/watch/`, which mirrors the tree. Each key is a file that tells
 * what happens to that key, and each directory has a file `.events`, which is not listed twice if
 * the tree has such a name, for it and everything below. Reading waits for lines (watch.c):
 *
 *   REVISION VERB PATH        as in replica/watch.h, octal escapes as in /proc/mounts; `.`: the
 * root REVISION lost REVISION    changes up to that revision may be missing
 *
 * Inodes of the mirror have both bits of special.h, and the number in the tree. Who may read a key
 * or directory may read its file. What a reader may not list stays hidden: a change below such a
 * directory is no line of its.
 *
 * Thread: the loop's. */
#ifndef QUORUMFS_FS_WATCH_H
#define QUORUMFS_FS_WATCH_H

#include "fs/special.h"

#include "replica/watch.h"

#define FS_WATCH (FS_VIRTUAL | FS_LOCAL)
#define FS_EVENTS (UINT64_C(1) << 61) /* `.events` of the directory with this number */
#define FS_EVENTS_NAME ".events"

static inline bool fs_is_watch(uint64_t ino)
{
    return (ino & FS_WATCH) == FS_WATCH;
}

static inline uint64_t fs_watch_tree_ino(uint64_t ino)
{
    return ino & ~(FS_WATCH | FS_EVENTS);
}

enum {
    FS_WATCH_BYTES_MAX = 16 * 1024, /* lines that a reader has not taken; then it falls behind */
    FS_WATCHES_MAX = 4096,          /* open files of a mount; ENFILE */
    FS_GROUPS_MAX = 64,             /* of a reader; those beyond give it no right */
};

/* ---- watch_tree.c: the mirror ---- */

/* The attributes that the mirror shows for one of the tree. */
void fs_watch_attr(struct attr *attr);
void fs_watch_root(fuse_req_t req); /* answers the look-up of `.quorumfs/watch` */
void fs_watch_lookup(fuse_req_t req, uint64_t parent, const char *name);
void fs_watch_getattr(fuse_req_t req, uint64_t ino);
/* As tree_list; `.events` comes first. */
int fs_watch_list(struct tree *tree, uint64_t ino, struct bytes after, uint32_t max,
                  tree_entry_cb *each, void *arg);

/* ---- watch.c: readers ---- */

void fs_watches_start(struct fs *fs, uv_loop_t *loop);
/* The mount goes away: readers find the end of their files. */
void fs_watches_stop(struct fs *fs);

void fs_watch_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void fs_watch_read(fuse_req_t req, struct fs_reader *reader, size_t size, uint64_t offset,
                   const struct fuse_file_info *fi);
void fs_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct fuse_pollhandle *ph);
void fs_reader_free(struct fs_reader *reader); /* NULL is fine */

#endif
