/* Requests from their first look at the tree to their answer. */
#include "fs/request.h"

#include "base/trace.h"
#include "fs/special.h"
#include "fs/watch.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 128 * 1024 }; /* st_blksize: tools write such pieces, each a log entry */

struct fs_request *fs_request_new(fuse_req_t req, uint64_t ino, const char *name)
{
    size_t len = name ? strlen(name) : 0;
    if (len > NAME_BYTES_MAX) {
        fuse_reply_err(req, ENAMETOOLONG);
        return NULL;
    }
    struct fs_request *r = calloc(1, sizeof *r + len + 1);
    if (!r) {
        fuse_reply_err(req, ENOMEM);
        return NULL;
    }
    r->fs = fs_of(req);
    r->operation = r->fs->operation;
    r->began_ms = uv_now(r->fs->poll.loop);
    r->req = req;
    r->ino = ino;
    if (name)
        memcpy(r->name, name, len + 1);
    return r;
}

void fs_request_trace(const struct fs_request *r, const char *outcome)
{
    trace_debug("fs", "%lu %s of inode %lx after %lu ms: %s", (unsigned long)r->operation.number,
                fs_operation_name(&r->operation), (unsigned long)r->ino,
                (unsigned long)(uv_now(r->fs->poll.loop) - r->began_ms), outcome);
}

/* Without a quorum, a change must fail with EROFS if nothing has happened, and a read with EIO. But
 * most calls begin with looking a name up, and the kernel does not say what for. A name that this
 * node does not know is probably about to be made. */
static int error_of_lookup(struct fs_request *r)
{
    struct attr attr;
    int status = tree_lookup(replica_tree(r->fs->replica), fs_tree_ino(r->ino),
                             bytes_of_text(r->name), &attr);
    return status == -ENOENT ? EROFS : EIO;
}

static int error_of_read(struct fs_request *r, enum replica_outcome outcome)
{
    switch (outcome) {
    case REPLICA_BUSY:
        return EBUSY;
    case REPLICA_UNSUPPORTED:
        return EOPNOTSUPP;
    case REPLICA_NO_QUORUM:
    case REPLICA_STOPPING:
        return r->is_lookup ? error_of_lookup(r) : EIO;
    default:
        return EIO;
    }
}

void fs_one_less(struct fs *fs)
{
    assert(fs->waiting > 0);
    fs->waiting--;
    if (fs->stopping)
        fs_close_when_idle(fs);
}

static void read_over(struct fs_request *r, const char *outcome)
{
    struct fs *fs = r->fs;
    if (trace_is_on(TRACE_DEBUG))
        fs_request_trace(r, outcome);
    free(r);
    fs_one_less(fs);
}

static void read_now(void *arg)
{
    struct fs_request *r = arg;
    r->awaits = false;
    r->fs->scratch.len = 0;
    r->fs->scratch.failed = false;
    r->read(r, replica_tree(r->fs->replica));
    if (!r->awaits)
        read_over(r, "done");
}

bool fs_await_contents(struct fs_request *r, uint64_t ino)
{
    if (!r->read || r->awaited || fs_is_special(r->ino) || fs_is_ephemeral(r->ino))
        return false;
    r->awaited = true;
    r->awaits = replica_await_contents(r->fs->replica, ino, read_now, r);
    return r->awaits;
}

static void read_ready(void *arg, enum replica_outcome outcome, struct replica_freshness freshness)
{
    struct fs_request *r = arg;
    r->awaited |= freshness.stale;
    if (outcome == REPLICA_DONE || r->local_will_do) {
        read_now(r);
        return;
    }
    trace_info("fs", "a read of inode %llu: %s", (unsigned long long)r->ino,
               replica_outcome_text(outcome));
    if (r->is_lookup)
        fs_walk_fails(r);
    fuse_reply_err(r->req, error_of_read(r, outcome));
    read_over(r, replica_outcome_text(outcome));
}

void fs_request_read(struct fs_request *r, fs_read_cb *read)
{
    bool local = r->here || (fs_is_special(r->ino) && !fs_is_watch(r->ino) && !r->asks);
    r->read = read;
    fs_walk_asks(r, NULL, 0);
    r->fs->waiting++;
    replica_read_by(r->fs->replica, local ? REPLICA_LOCAL : REPLICA_DEFAULT, fs_walk_deadline_ms(r),
                    read_ready, r);
}

void fs_reply_error(struct fs_request *r, int status)
{
    assert(status < 0);
    if (status == -EEXIST && r->look_again)
        status = -ESTALE;
    if (status == -ESTALE) /* the kernel walks the path once more */
        fs_walk_steps(r, FS_WALK_ANYWHERE);
    fuse_reply_err(r->req, -status);
}

void fs_reply_ok(struct fs_request *r, const struct op_result *result)
{
    fuse_reply_err(r->req, 0);
}

void fs_reply_there(struct fs_request *r, struct tree *tree)
{
    struct attr attr;
    int status = tree_getattr(tree, fs_tree_ino(r->ino), &attr);
    if (status < 0)
        fs_reply_error(r, status);
    else
        fuse_reply_err(r->req, 0);
}

/* Nanoseconds are never negative, also before 1970. */
static struct timespec timespec_of(int64_t ns)
{
    int64_t seconds = ns / NS_PER_S - (ns % NS_PER_S < 0);
    return (struct timespec){.tv_sec = seconds, .tv_nsec = ns - seconds * NS_PER_S};
}

void fs_stat_of(const struct attr *attr, uint64_t mark, struct stat *stat)
{
    memset(stat, 0, sizeof *stat);
    stat->st_ino = attr->ino | mark;
    stat->st_mode = attr->mode;
    if (S_ISREG(attr->mode) && (mark & FS_EPHEMERAL))
        stat->st_mode |= S_IWUSR | S_IWGRP | S_IWOTH; /* so that open(2) says EBUSY (ephemeral.c) */
    stat->st_nlink = attr->nlink;
    stat->st_uid = attr->uid;
    stat->st_gid = attr->gid;
    stat->st_rdev = S_ISCHR(attr->mode) || S_ISBLK(attr->mode) ? attr->rdev : 0;
    stat->st_size = (off_t)attr->size;
    stat->st_blocks = (blkcnt_t)((attr->used + 511) / 512);
    stat->st_blksize = BLOCK_BYTES;
    stat->st_mtim = timespec_of(attr->mtime);
    stat->st_atim = timespec_of(attr->atime);
    stat->st_ctim = timespec_of(attr->ctime);
}

void fs_reply_entry(struct fs_request *r, const struct attr *attr)
{
    struct fuse_entry_param entry = {0};
    uint64_t mark = fs_mark(r->ino);
    fs_stat_of(attr, mark, &entry.attr);
    entry.ino = attr->ino | mark;
    fs_gone_seen(r->fs, attr->ino);
    fuse_reply_entry(r->req, &entry);
}

void fs_reply_sized(struct fs_request *r)
{
    struct buffer *scratch = &r->fs->scratch;
    if (scratch->failed)
        fuse_reply_err(r->req, ENOMEM);
    else if (r->size == 0)
        fuse_reply_xattr(r->req, scratch->len);
    else if (scratch->len > r->size)
        fuse_reply_err(r->req, ERANGE);
    else
        fs_reply_scratch(r);
}

void fs_reply_scratch(struct fs_request *r)
{
    struct buffer *scratch = &r->fs->scratch;
    if (scratch->failed)
        fuse_reply_err(r->req, ENOMEM);
    else
        fuse_reply_buf(r->req, (const char *)scratch->data, scratch->len);
}
