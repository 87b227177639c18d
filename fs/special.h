/* Private to the room: `.quorumfs` at the root, where the mount shows its own state. It can be
 * opened by name but is not listed, so that `rm -r *`, rsync and find leave it alone.
 *
 *   status   status_json     why   status_why     version     session   status_session
 *   locks        who has locks and who waits: of the cluster, read like any other file
 *   local/       the tree, read-only, as this node last knew it
 *   ephemeral/   the tree; a file that is made there goes with its last descriptor (ephemeral.c)
 *   watch/       its changes (watch.h)
 *
 * Inode numbers distinguish them: those of the tree are below 2^61, made-up files have bit 62, and
 * local/ has the numbers of the tree with bit 63, ephemeral/ with bit 61. Nothing but ephemeral/
 * can be changed: EROFS.
 *
 * Thread: the loop's. */
#ifndef QUORUMFS_FS_SPECIAL_H
#define QUORUMFS_FS_SPECIAL_H

#include "fs/session.h"

#define FS_VIRTUAL (UINT64_C(1) << 62)
#define FS_LOCAL (UINT64_C(1) << 63)
#define FS_EPHEMERAL (UINT64_C(1) << 61)

static inline bool fs_is_virtual(uint64_t ino)
{
    return (ino & FS_VIRTUAL) != 0;
}

static inline bool fs_is_local(uint64_t ino)
{
    return (ino & FS_LOCAL) != 0;
}

/* Whether it is read-only, and known here without asking the cluster. */
static inline bool fs_is_special(uint64_t ino)
{
    return (ino & (FS_VIRTUAL | FS_LOCAL)) != 0;
}

static inline bool fs_is_ephemeral(uint64_t ino)
{
    return (ino & (FS_VIRTUAL | FS_LOCAL | FS_EPHEMERAL)) == FS_EPHEMERAL;
}

/* In which of the trees the inode is: what it has besides the number of the tree. */
static inline uint64_t fs_mark(uint64_t ino)
{
    if (fs_is_ephemeral(ino))
        return FS_EPHEMERAL;
    return fs_is_local(ino) ? ino & (FS_VIRTUAL | FS_LOCAL) : 0;
}

/* The inode as the tree knows it. */
static inline uint64_t fs_tree_ino(uint64_t ino)
{
    return ino & ~(FS_LOCAL | FS_EPHEMERAL);
}

/* Whether this name in this directory is `.quorumfs` itself. */
bool fs_is_reserved(uint64_t parent, const char *name);

/* fs_lookup and fs_getattr of virtual inodes. */
void fs_special_lookup(fuse_req_t req, uint64_t parent, const char *name);
void fs_special_getattr(fuse_req_t req, uint64_t ino);
/* Answers a lookup with this virtual inode. */
void fs_special_entry(fuse_req_t req, uint64_t ino);
/* Whether the contents are read from the tree as it is when the file is opened, like those of a
 * key. */
bool fs_special_asks(uint64_t ino);
/* The present contents of a made-up file. Returns 0 or -ENOMEM. */
int fs_special_content(struct fs *fs, uint64_t ino, struct buffer *content);

/* lock_lines.c: one line for each lock and each wait. */
void fs_lock_lines(struct replica *replica, struct buffer *out);

/* As tree_list and tree_parent; the parent of local/ and ephemeral/ is `.quorumfs`. */
void fs_special_list(struct fs *fs, struct bytes after, tree_entry_cb *each, void *arg);
int fs_special_parent(struct tree *tree, uint64_t ino, uint64_t *parent);

#endif
