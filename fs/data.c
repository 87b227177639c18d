/* File contents. Each write is one command that is decided before it is answered; with commit=close
 * it is gathered on its file instead (pending.h), unless O_SYNC or O_DSYNC asks for more. */
#include "fs/request.h"
#include "fs/rights.h"
#include "fs/special.h"
#include "fs/watch.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>
#include <unistd.h>

static void data_read(struct fs_request *r, struct tree *tree)
{
    int status = tree_read(tree, fs_tree_ino(r->ino), r->offset, r->size, &r->fs->scratch);
    bool nothing = status == 0 && r->fs->scratch.len == 0 && r->offset == 0;
    if (nothing && !r->handle->emptied && fs_await_contents(r, r->ino))
        return;
    if (status < 0)
        fs_reply_error(r, status);
    else
        fs_reply_scratch(r);
}

static void read_content(fuse_req_t req, const struct buffer *content, size_t size, off_t offset)
{
    size_t at = (size_t)offset < content->len ? (size_t)offset : content->len;
    size_t left = content->len - at;
    fuse_reply_buf(req, (const char *)content->data + at, left < size ? left : size);
}

void fs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
    if (fs_handle_of(fi)->reader) {
        fs_watch_read(req, fs_handle_of(fi)->reader, size, (uint64_t)offset, fi);
        return;
    }
    if (fs_is_virtual(ino)) {
        read_content(req, &fs_handle_of(fi)->content, size, offset);
        return;
    }
    struct fs_request *r = fs_request_new(req, ino, NULL);
    if (!r)
        return;
    r->handle = fs_handle_of(fi);
    r->size = size;
    r->offset = (uint64_t)offset;
    fs_request_read_settled(r, data_read);
}

static void data_written(struct fs_request *r, const struct op_result *result)
{
    fuse_reply_write(r->req, r->size);
}

/* Whether the write takes setuid or setgid bits away, which must not wait. */
static bool kills_priv(const struct fs *fs, const struct op *op)
{
    struct attr attr;
    return (op->flags & OP_KILL_PRIV) &&
           tree_getattr(replica_tree(fs->replica), op->ino, &attr) == 0 &&
           (attr.mode & (S_ISUID | S_ISGID));
}

/* Gathers a write and answers it. False: it has to be decided now, together with those gathered
 * before. */
static bool gather(fuse_req_t req, struct fs_handle *handle, const struct op *op)
{
    struct fs *fs = fs_of(req);
    struct fs_file *file = handle->file;
    int lost = fs_handle_lost(handle);
    if (lost != 0) {
        fuse_reply_err(req, lost);
        return true;
    }
    if (fs->locks.lost > 0 || fs_pending_full(&file->pending, op->data.len) ||
        op->offset + op->data.len > FILE_BYTES_MAX || kills_priv(fs, op))
        return false;
    if (replica_refuses_writes(fs->replica)) {
        fuse_reply_err(req, EROFS);
    } else if (fs_pending_gather(&file->pending, op) < 0) {
        fuse_reply_err(req, ENOMEM);
    } else {
        handle->last_taken = file->taken + 1;
        fuse_reply_write(req, op->data.len);
    }
    return true;
}

void fs_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
              struct fuse_file_info *fi)
{
    bool gathers = fs_of(req)->config->commit_on_close && !(fi->flags & O_DSYNC) &&
                   !fs_is_ephemeral(ino); /* when it is closed, it is gone */
    struct op op = {
        .type = OP_WRITE, .ino = ino, .offset = (uint64_t)offset, .data = bytes_of(data, size)};
    /* A page of a mapping that is written back belongs to no handle, although the kernel lends it
     * one, and to no particular writer: it goes to its offset. */
    if (!fi->writepage) {
        if (fi->flags & O_APPEND)
            op.type = OP_APPEND;
        fs_rights_write(req, &op);
        fs_handle_of(fi)->emptied = false;
        if (gathers && gather(req, fs_handle_of(fi), &op))
            return;
    }
    struct fs_request *r = fs_request_new(req, ino, NULL);
    if (!r)
        return;
    r->size = size;
    r->is_page = fi->writepage;
    if (!fi->writepage)
        r->handle = fs_handle_of(fi);
    fs_walk_alone(r);
    fs_pending_take(r);
    fs_request_change(r, &op, 1, data_written);
}

enum { PUNCH_BYTES_MAX = 16 * 1024 * 1024 }; /* of one command, which must not hold the nodes up */

static struct op punch_of(uint64_t ino, uint64_t offset, uint64_t len)
{
    return (struct op){.type = OP_PUNCH,
                       .ino = ino,
                       .offset = offset,
                       .size = len < PUNCH_BYTES_MAX ? len : PUNCH_BYTES_MAX};
}

enum { FALLOCATE_OPS_MAX = 3 };

/* The operations that carry fallocate(2) out, or begin to: returns how many, or -EOPNOTSUPP for a
 * mode that has none. In each mode the times move and rights go, even if no byte changes. No space
 * is set aside, since one node cannot promise it for all. */
static int ops_of_fallocate(int mode, const struct op *touch, uint64_t offset, uint64_t len,
                            struct op ops[FALLOCATE_OPS_MAX])
{
    bool keep_size = mode & FALLOC_FL_KEEP_SIZE;
    int count = 0;
    mode &= ~FALLOC_FL_KEEP_SIZE;
    if (mode != 0 && mode != FALLOC_FL_ZERO_RANGE && (mode != FALLOC_FL_PUNCH_HOLE || !keep_size))
        return -EOPNOTSUPP;
    assert(offset <= INT64_MAX && len <= INT64_MAX);
    ops[count++] = *touch;
    if (!keep_size)
        ops[count++] = (struct op){.type = OP_ALLOCATE, .ino = touch->ino, .size = offset + len};
    if (mode != 0)
        ops[count++] = punch_of(touch->ino, offset, len);
    return count;
}

/* By how many bytes the file may grow, as far as this node knows: a program that asks for room must
 * hear that there is none. */
static uint64_t growth_of(fuse_req_t req, fuse_ino_t ino, int mode, uint64_t end)
{
    struct attr attr = {0};
    if (mode & FALLOC_FL_PUNCH_HOLE)
        return 0;
    tree_getattr(replica_tree(fs_of(req)->replica), fs_tree_ino(ino), &attr);
    return end > attr.size ? end - attr.size : 0;
}

/* A piece of a hole is made: now the next one, up to the end of the file. */
static void punched(struct fs_request *done, const struct op_result *result)
{
    uint64_t made = done->size < PUNCH_BYTES_MAX ? done->size : PUNCH_BYTES_MAX;
    assert(done->size >= made);
    if (done->size == made || done->offset + made >= result->attr.size) {
        fuse_reply_err(done->req, 0);
        return;
    }
    struct fs_request *r = fs_request_new(done->req, done->ino, NULL);
    if (!r)
        return;
    r->offset = done->offset + made;
    r->size = done->size - made;
    struct op op = punch_of(r->ino, r->offset, r->size);
    fs_walk_alone(r);
    fs_request_change(r, &op, 1, punched);
}

void fs_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
                  struct fuse_file_info *fi)
{
    struct op touch = {.type = OP_SETATTR, .ino = ino, .flags = OP_SET_MTIME_NOW};
    struct op ops[FALLOCATE_OPS_MAX];
    fs_rights_write(req, &touch);
    int count = ops_of_fallocate(mode, &touch, (uint64_t)offset, (uint64_t)length, ops);
    if (count >= 0 && growth_of(req, ino, mode, (uint64_t)offset + (uint64_t)length) >
                          replica_room(fs_of(req)->replica))
        count = -ENOSPC;
    if (count < 0) {
        fuse_reply_err(req, -count);
        return;
    }
    struct fs_request *r = fs_request_new(req, ino, NULL);
    if (!r)
        return;
    r->handle = fs_handle_of(fi);
    r->offset = (uint64_t)offset;
    r->size = (size_t)length;
    fs_walk_alone(r);
    fs_pending_take(r);
    fs_request_change(r, ops, (uint32_t)count,
                      ops[count - 1].type == OP_PUNCH ? punched : fs_reply_ok);
}

static void sought(struct fs_request *r, struct tree *tree)
{
    uint64_t at;
    int status = tree_seek(tree, fs_tree_ino(r->ino), r->offset, r->flags == SEEK_HOLE, &at);
    if (status < 0)
        fs_reply_error(r, status);
    else
        fuse_reply_lseek(r->req, (off_t)at);
}

void fs_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *fi)
{
    if (fs_is_virtual(ino) || (whence != SEEK_DATA && whence != SEEK_HOLE)) {
        fuse_reply_err(req, EINVAL);
        return;
    }
    struct fs_request *r = fs_request_new(req, ino, NULL);
    if (!r)
        return;
    r->offset = (uint64_t)offset;
    r->flags = whence;
    fs_request_read_settled(r, sought);
}
