/* Looks names up and makes them. Making one is one log entry and needs no read before it. */
#include "fs/ephemeral.h"
#include "fs/request.h"
#include "fs/special.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static void looked_up(struct fs_request *r, struct tree *tree)
{
    struct attr attr;
    int status = tree_lookup(tree, fs_tree_ino(r->ino), bytes_of_text(r->name), &attr);
    if (status == -ESTALE) /* a directory that is gone was empty */
        status = -ENOENT;
    if (status == 0 || status == -ENOENT) /* making a name begins with looking it up in vain */
        fs_walk_steps(r, status == 0 ? attr.ino : 0);
    if (status < 0)
        fs_reply_error(r, status);
    else
        fs_reply_entry(r, &attr);
}

void fs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    if (fs_export_wants(name)) {
        fs_export_lookup(req, parent, name);
        return;
    }
    if (fs_is_virtual(parent) || fs_is_reserved(parent, name)) {
        fs_special_lookup(req, parent, name);
        return;
    }
    struct fs_request *r = fs_request_new(req, parent, name);
    if (!r)
        return;
    r->is_lookup = true;
    fs_request_read(r, looked_up);
}

static void link_read(struct fs_request *r, struct tree *tree)
{
    int status = tree_readlink(tree, fs_tree_ino(r->ino), &r->fs->scratch);
    if (status < 0) {
        fs_reply_error(r, status);
        return;
    }
    buffer_put_u8(&r->fs->scratch, 0);
    if (r->fs->scratch.failed) {
        fuse_reply_err(r->req, ENOMEM);
        return;
    }
    fs_walk_steps(r, FS_WALK_ANYWHERE);
    fuse_reply_readlink(r->req, (const char *)r->fs->scratch.data);
}

void fs_readlink(fuse_req_t req, fuse_ino_t ino)
{
    if (fs_is_virtual(ino)) {
        fuse_reply_err(req, EINVAL);
        return;
    }
    struct fs_request *r = fs_request_new(req, ino, NULL);
    if (r)
        fs_request_read(r, link_read);
}

static void made(struct fs_request *r, const struct op_result *result)
{
    fs_reply_entry(r, &result->attr);
}

/* Begins a request that makes a name. The operation has its type and its particulars; the rest is
 * filled in here. Returns NULL if the request was answered with an error. */
static struct fs_request *make_begin(fuse_req_t req, fuse_ino_t parent, const char *name,
                                     struct op *op)
{
    if (fs_is_reserved(parent, name)) {
        fuse_reply_err(req, EEXIST);
        return NULL;
    }
    const struct fuse_ctx *ctx = fuse_req_ctx(req);
    op->ino = parent;
    op->name = bytes_of_text(name);
    op->uid = ctx->uid;
    op->gid = ctx->gid;
    return fs_request_new(req, parent, NULL);
}

static void make(fuse_req_t req, fuse_ino_t parent, const char *name, struct op *op)
{
    struct fs_request *r = make_begin(req, parent, name, op);
    if (r)
        fs_request_change(r, op, 1, made);
}

void fs_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
    struct op op = {.type = OP_MKNOD, .mode = mode, .rdev = (uint32_t)rdev};
    make(req, parent, name, &op);
}

void fs_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
    struct op op = {.type = OP_MKDIR, .mode = mode & ALLPERMS};
    make(req, parent, name, &op);
}

void fs_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
    struct op op = {.type = OP_SYMLINK, .data = bytes_of_text(target)};
    make(req, parent, name, &op);
}

void fs_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
    struct op op = {.type = OP_LINK, .ino2 = ino};
    make(req, parent, name, &op);
}

static void created(struct fs_request *r, const struct op_result *result)
{
    struct fuse_file_info fi = {.flags = r->flags};
    struct fuse_entry_param entry = {.ino = result->attr.ino};
    struct fs_handle *handle = fs_handle_open(&r->fs->files, entry.ino);
    if (!handle) {
        fuse_reply_err(r->req, ENOMEM);
        return;
    }
    fi.fh = (uintptr_t)handle;
    fi.direct_io = fs_wants_direct_io(r->fs, r->flags);
    fs_stat_of(&result->attr, 0, &entry.attr);
    if (fuse_reply_create(r->req, &entry, &fi) < 0)
        fs_handle_end(r->fs, handle);
}

void fs_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
               struct fuse_file_info *fi)
{
    struct op op = {.type = OP_CREATE, .flags = OP_EXCLUSIVE, .mode = mode & ALLPERMS};
    if (fs_is_ephemeral(parent)) {
        fs_ephemeral_create(req, parent, name, mode, fi);
        return;
    }
    struct fs_request *r = make_begin(req, parent, name, &op);
    if (!r)
        return;
    r->flags = fi->flags;
    /* The kernel has looked the name up in vain. If it exists by now, ESTALE makes the kernel look
     * again, check the permissions and open the file as an existing one. */
    r->look_again = (fi->flags & O_EXCL) == 0;
    fs_request_change(r, &op, 1, created);
}
