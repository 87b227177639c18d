/* Refuses locks, since they would not hold across the cluster. If these operations were missing,
 * the kernel would grant locks that hold on this node only. */
#include "fs/session.h"

#include <errno.h>

void fs_getlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *lock)
{
    fuse_reply_err(req, ENOLCK);
}

void fs_setlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct flock *lock,
              int sleep)
{
    fuse_reply_err(req, ENOLCK);
}

void fs_flock(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, int op)
{
    fuse_reply_err(req, ENOLCK);
}
