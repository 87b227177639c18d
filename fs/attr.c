/* Attributes, access and the space of the file system. */
#include "fs/request.h"
#include "fs/rights.h"
#include "fs/special.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { STATFS_BLOCK_BYTES = 4096 };

static void reply_attr(struct fs_request *r, const struct attr *attr)
{
    struct stat stat;
    fs_stat_of(attr, fs_mark(r->ino), &stat);
    fuse_reply_attr(r->req, &stat, 0);
}

/* Whether it is probably whoever has just emptied the file that asks, and who must not wait for
 * contents of its own. fstat(2) comes without its handle; but only stat(2) has looked up a name. */
static bool is_its_own(const struct fs_request *r)
{
    if (r->handle)
        return r->handle->emptied;
    const struct fs_file *file = fs_file_find(&r->fs->files, r->ino);
    return file && !r->by_path && fs_file_is_emptied(file);
}

static void attr_read(struct fs_request *r, struct tree *tree)
{
    struct attr attr;
    int status = tree_getattr(tree, fs_tree_ino(r->ino), &attr);
    if (status < 0) {
        fs_reply_error(r, status);
        return;
    }
    if (S_ISREG(attr.mode) && attr.size == 0 && !is_its_own(r) && fs_await_contents(r, r->ino))
        return;
    fs_walk_steps(r, fs_tree_ino(r->ino));
    reply_attr(r, &attr);
}

void fs_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    if (fs_is_virtual(ino)) {
        fs_special_getattr(req, ino);
        return;
    }
    struct fs_request *r = fs_request_new(req, ino, NULL);
    if (!r)
        return;
    r->handle = fi ? fs_handle_of(fi) : NULL;
    /* Every path begins with the root: without its attributes .quorumfs could not be reached. */
    r->local_will_do = fs_tree_ino(ino) == INO_ROOT;
    fs_request_read_settled(r, attr_read);
}

static void attr_set(struct fs_request *r, const struct op_result *result)
{
    reply_attr(r, &result->attr);
}

/* Times before 1677 or after 2262, which do not fit, become the first or last one that does. */
static int64_t ns_of(struct timespec time)
{
    if (time.tv_sec <= INT64_MIN / NS_PER_S)
        return INT64_MIN / NS_PER_S * NS_PER_S;
    if (time.tv_sec >= INT64_MAX / NS_PER_S)
        return INT64_MAX;
    return time.tv_sec * NS_PER_S + time.tv_nsec;
}

/* Fills in everything but the size. */
static void op_of(const struct stat *stat, int to_set, struct op *op)
{
    if (to_set & FUSE_SET_ATTR_MODE) {
        op->flags |= OP_SET_MODE;
        op->mode = stat->st_mode & ALLPERMS;
    }
    if (to_set & FUSE_SET_ATTR_UID) {
        op->flags |= OP_SET_UID;
        op->uid = stat->st_uid;
    }
    if (to_set & FUSE_SET_ATTR_GID) {
        op->flags |= OP_SET_GID;
        op->gid = stat->st_gid;
    }
    if (to_set & FUSE_SET_ATTR_MTIME_NOW) {
        op->flags |= OP_SET_MTIME_NOW;
    } else if (to_set & FUSE_SET_ATTR_MTIME) {
        op->flags |= OP_SET_MTIME;
        op->mtime = ns_of(stat->st_mtim);
    }
    if (to_set & FUSE_SET_ATTR_ATIME_NOW) {
        op->flags |= OP_SET_ATIME_NOW;
    } else if (to_set & FUSE_SET_ATTR_ATIME) {
        op->flags |= OP_SET_ATIME;
        op->atime = ns_of(stat->st_atim);
    }
}

/* Whether the caller may change the owner or the mode: root and the owner may. */
static bool may_chown(const struct fs_request *r)
{
    uid_t uid = fuse_req_ctx(r->req)->uid;
    struct attr attr;
    return uid == 0 ||
           (tree_getattr(replica_tree(r->fs->replica), fs_tree_ino(r->ino), &attr) == 0 &&
            attr.uid == uid);
}

/* Whether rights go as chown(2) takes them. chown(f, -1, -1) comes with nothing to set. So does
 * what the kernel sends before some changes of contents, by anybody who may write; those take
 * rights away by themselves. */
static bool is_chown(const struct fs_request *r, int to_set)
{
    return (to_set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) || (to_set == 0 && may_chown(r));
}

/* The kernel sets the mtime with a new size, which does it by itself. */
static uint32_t ops_of(const struct fs_request *r, const struct stat *stat, int to_set,
                       struct op ops[2])
{
    struct op size = {.type = OP_TRUNCATE, .ino = r->ino, .size = (uint64_t)stat->st_size};
    struct op set = {.type = OP_SETATTR, .ino = r->ino};
    uint32_t count = 0;
    op_of(stat, to_set, &set);
    if (to_set & FUSE_SET_ATTR_SIZE)
        set.flags &= ~(uint32_t)OP_SET_MTIME_NOW;
    if (is_chown(r, to_set))
        fs_rights_chown(r->req, &set);
    if (to_set & FUSE_SET_ATTR_SIZE) {
        fs_rights_write(r->req, &size);
        ops[count++] = size;
    }
    if (set.flags != 0 || count == 0)
        ops[count++] = set;
    return count;
}

void fs_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *stat, int to_set,
                struct fuse_file_info *fi)
{
    if (fs_is_special(ino)) {
        fuse_reply_err(req, EROFS);
        return;
    }
    struct fs_request *r = fs_request_new(req, ino, NULL);
    if (!r)
        return;
    if (fi) {
        r->handle = fs_handle_of(fi);
        fs_walk_alone(r);
    }
    r->if_gone = attr_read;
    struct op ops[2];
    uint32_t count = ops_of(r, stat, to_set, ops);
    fs_pending_take(r); /* a new time, for example, is that of the last change */
    fs_request_change(r, ops, count, attr_set);
}

static void access_read(struct fs_request *r, struct tree *tree)
{
    struct attr attr;
    int status = tree_getattr(tree, fs_tree_ino(r->ino), &attr);
    if (status == 0 && S_ISREG(attr.mode) && (attr.mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0)
        status = -EACCES;
    if (status < 0)
        fs_reply_error(r, status);
    else
        fuse_reply_err(r->req, 0);
}

/* For access(2) and chdir(2), if the kernel does not check by itself. Then only root asks, who may
 * do everything except run a file that nobody may run. */
void fs_access(fuse_req_t req, fuse_ino_t ino, int mask)
{
    if (fs_is_special(ino) && (mask & W_OK)) {
        fuse_reply_err(req, EROFS);
        return;
    }
    if (fs_is_virtual(ino) || !(mask & X_OK)) {
        fuse_reply_err(req, 0);
        return;
    }
    struct fs_request *r = fs_request_new(req, ino, NULL);
    if (r)
        fs_request_read(r, access_read);
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The data are on the disk of the node's folder, so its space is the mount's; but what can be
 * written is what a majority has room for. */
void fs_statfs(fuse_req_t req, fuse_ino_t ino)
{
    struct fs *fs = fs_of(req);
    struct tree_counts counts;
    int status = tree_counts(replica_tree(fs->replica), &counts);
    struct statvfs disk;
    if (status == 0 && statvfs(fs->config->dir, &disk) != 0)
        status = -errno;
    if (status < 0) {
        fuse_reply_err(req, -status);
        return;
    }
    fuse_reply_statfs(
        req, &(struct statvfs){
                 .f_bsize = STATFS_BLOCK_BYTES,
                 .f_frsize = STATFS_BLOCK_BYTES,
                 .f_blocks = disk.f_blocks * disk.f_frsize / STATFS_BLOCK_BYTES,
                 .f_bfree = disk.f_bfree * disk.f_frsize / STATFS_BLOCK_BYTES,
                 .f_bavail = smaller(disk.f_bavail * disk.f_frsize, replica_room(fs->replica)) /
                             STATFS_BLOCK_BYTES,
                 .f_files = counts.inodes + disk.f_ffree,
                 .f_ffree = disk.f_ffree,
                 .f_favail = disk.f_favail,
                 .f_namemax = NAME_BYTES_MAX,
             });
}
