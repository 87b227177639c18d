/* Answers what programs ask about the locks of an open file. */
#include "base/lock_held.h"

#include "fs/session.h"
#include "fs/special.h"

#include <errno.h>

static const struct fs_lock *flock_of(const struct fs_handle *handle)
{
    const struct fs_lock *lock;
    LIST_FOREACH(lock, &handle->file->locks, entry)
    {
        if (lock->flock && lock->held && lock->handle == handle)
            return lock;
    }
    return NULL;
}

/* 0 or a negative errno. */
static int held_read(struct fs *fs, const struct fs_handle *handle, struct quorumfs_lock_held *held)
{
    const struct fs_lock *lock = flock_of(handle);
    struct tree_lock found;
    if (handle->lost)
        return -EIO;
    if (!lock)
        return -ENOLCK;
    const struct tree_lock all = {.ino = handle->file->ino,
                                  .flock = true,
                                  .node = replica_node(fs->replica),
                                  .owner = lock->owner,
                                  .last = LOCK_LAST_MAX};
    int status = tree_lock_held(replica_tree(fs->replica), &all, &found);
    *held = (struct quorumfs_lock_held){status > 0 ? found.token : 0,
                                        replica_session_left_ms(fs->replica)};
    return status > 0 ? 0 : status < 0 ? status : -ENOLCK;
}

void fs_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int cmd, void *arg,
              struct fuse_file_info *fi, unsigned int flags, const void *in, size_t in_len,
              size_t out_len)
{
    struct quorumfs_lock_held held;
    if (cmd != QUORUMFS_LOCK_HELD || (flags & FUSE_IOCTL_DIR) || fs_is_special(ino) ||
        out_len < sizeof held) {
        fuse_reply_err(req, ENOTTY);
        return;
    }
    int status = held_read(fs_of(req), (struct fs_handle *)(uintptr_t)fi->fh, &held);
    if (status < 0)
        fuse_reply_err(req, -status);
    else
        fuse_reply_ioctl(req, 0, &held, sizeof held);
}
