#include "fs/ephemeral.h"

#include "fs/lock_wait.h"
#include "fs/special.h"

#include <errno.h>

/* ---- Making one ---- */

static void ephemeral_give_up(struct fs *fs, uint64_t ino)
{
    fs_undone_add(fs, &(struct op){.type = OP_EPHEMERAL_END, .ino = ino});
}

/* Answers. The session may have ended since: the tree is at the entry of the result, or later. */
static void ephemeral_made(struct fs_request *r, const struct op_result *result)
{
    struct fs *fs = r->fs;
    struct tree *tree = replica_tree(fs->replica);
    struct fuse_file_info fi = {.flags = r->flags};
    struct fuse_entry_param entry = {.ino = result->attr.ino | FS_EPHEMERAL};
    bool lost = tree_lock_session(tree, replica_node(fs->replica)) != result->offset;
    struct fs_handle *handle = lost ? NULL : fs_handle_open(&fs->files, entry.ino);
    if (!handle) {
        ephemeral_give_up(fs, result->attr.ino);
        fuse_reply_err(r->req, lost ? EIO : ENOMEM);
        return;
    }
    handle->binds = true;
    fs_locks_hold(fs, result->offset);
    fi.fh = (uintptr_t)handle;
    fi.direct_io = fs_wants_direct_io(fs, r->flags);
    fs_stat_of(&result->attr, FS_EPHEMERAL, &entry.attr);
    if (fuse_reply_create(r->req, &entry, &fi) < 0)
        fs_handle_end(fs, handle);
}

static void ephemeral_ended(struct fs_request *r, bool happened, const struct op_result *result)
{
    struct fs_ephemeral *e = &r->fs->ephemeral;
    if (happened && !result)
        e->unknown[e->next++ % FS_EPHEMERAL_UNKNOWN_MAX] = r->lock.waiter;
}

void fs_ephemeral_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
                         struct fuse_file_info *fi)
{
    const struct fuse_ctx *ctx = fuse_req_ctx(req);
    struct fs_request *r = fs_request_new(req, parent, NULL);
    if (!r)
        return;
    r->flags = fi->flags;
    r->lock.waiter = ++r->fs->locks.last_waiter;
    r->ended = ephemeral_ended;
    const struct op op = {.type = OP_EPHEMERAL,
                          .ino = parent,
                          .name = bytes_of_text(name),
                          .mode = mode & ALLPERMS,
                          .uid = ctx->uid,
                          .gid = ctx->gid,
                          .waiter = r->lock.waiter};
    fs_request_change(r, &op, 1, ephemeral_made);
}

/* ---- What else may be done ---- */

/* One that is gone by now was bound a moment ago, or else is about to be made anew. */
int fs_ephemeral_open_error(struct fs *fs, uint64_t ino)
{
    struct tree *tree = replica_tree(fs->replica);
    struct attr attr;
    int status = tree_getattr(tree, fs_tree_ino(ino), &attr);
    if (status < 0 || attr.nlink == 0 || tree_is_ephemeral(tree, fs_tree_ino(ino)))
        return EBUSY;
    return EEXIST;
}

static bool is_bound_here(struct fs *fs, uint64_t ino)
{
    const struct fs_file *file = fs_file_find(&fs->files, ino);
    const struct fs_handle *handle = file ? LIST_FIRST(&file->handles) : NULL;
    while (handle && !handle->binds)
        handle = LIST_NEXT(handle, entry);
    return handle;
}

bool fs_ephemeral_permits(struct fs *fs, const struct op *op)
{
    if (fs_is_ephemeral(op->ino2))
        return false;
    if (!fs_is_ephemeral(op->ino))
        return true;
    switch (op->type) {
    case OP_EPHEMERAL:
    case OP_MKDIR:
    case OP_UNLINK:
    case OP_RMDIR:
        return true;
    case OP_WRITE:
    case OP_APPEND:
    case OP_TRUNCATE:
    case OP_ALLOCATE:
    case OP_PUNCH:
    case OP_SETATTR:
    case OP_SETXATTR:
    case OP_REMOVEXATTR:
        return is_bound_here(fs, op->ino);
    default:
        return false;
    }
}

/* ---- Its end ---- */

void fs_ephemeral_release(struct fs *fs, struct fs_handle *handle)
{
    if (!handle->binds || handle->lost)
        return;
    fs_locks_let_go(fs);
    ephemeral_give_up(fs, fs_tree_ino(handle->file->ino));
}

/* ---- What its caller did not get ---- */

/* Whether it is one of them, from now on no longer. */
static bool forget_unknown(struct fs *fs, uint64_t waiter)
{
    for (int i = 0; i < FS_EPHEMERAL_UNKNOWN_MAX; i++) {
        if (waiter == 0 || fs->ephemeral.unknown[i] != waiter)
            continue;
        fs->ephemeral.unknown[i] = 0;
        return true;
    }
    return false;
}

void fs_ephemeral_made(struct fs *fs, uint64_t ino, uint64_t waiter)
{
    if (forget_unknown(fs, waiter))
        ephemeral_give_up(fs, ino);
}

struct found {
    struct fs *fs;
    uint32_t count;
    uint64_t inos[FS_EPHEMERAL_UNKNOWN_MAX];
};

static bool find_unknown(void *arg, uint64_t ino, uint64_t waiter)
{
    struct found *found = arg;
    if (forget_unknown(found->fs, waiter))
        found->inos[found->count++] = ino;
    return found->count < FS_EPHEMERAL_UNKNOWN_MAX;
}

void fs_ephemeral_replaced(struct fs *fs)
{
    struct found found = {.fs = fs};
    tree_ephemerals(replica_tree(fs->replica), replica_node(fs->replica), find_unknown, &found);
    while (found.count > 0)
        ephemeral_give_up(fs, found.inos[--found.count]);
}
