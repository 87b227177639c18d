/* Removes and renames.
 *
 * A file that is open here can still be used when its last name goes: the command says which inode
 * to hold. This node's tree tells which one that is, without asking the cluster. So a file that is
 * opened while its removal is under way is not held; it is kept for reading only, like a file that
 * another node removes (gone.h). */
#include "fs/request.h"
#include "fs/special.h"

#include <errno.h>
#include <linux/fs.h>

/* The inode of this name if it is open here, or 0. */
static uint64_t open_inode(struct fs *fs, uint64_t parent, const char *name)
{
    struct attr attr;
    if (fs->files.count == 0 ||
        tree_lookup(replica_tree(fs->replica), fs_tree_ino(parent), bytes_of_text(name), &attr) < 0)
        return 0;
    return fs_file_find(&fs->files, attr.ino) ? attr.ino : 0;
}

/* Acts also if the outcome is not known: giving back an inode that is not held does nothing. */
static void removal_ended(struct fs_request *r, bool happened, const struct op_result *result)
{
    if (!happened || r->hold == 0)
        return;
    if (result && result->attr.ino == r->hold && result->attr.nlink > 0)
        return; /* it has other names */
    struct fs_file *file = fs_file_find(&r->fs->files, r->hold);
    if (file)
        file->held = true;
    else
        fs_give_back(r->fs, r->hold); /* closed meanwhile */
}

static void take_away(fuse_req_t req, const struct op *op)
{
    struct fs_request *r = fs_request_new(req, op->ino, NULL);
    if (!r)
        return;
    r->hold = op->hold;
    r->ended = removal_ended;
    fs_request_change(r, op, 1, fs_reply_ok);
}

static void removal(fuse_req_t req, uint8_t type, fuse_ino_t parent, const char *name)
{
    struct op op = {.type = type, .ino = parent, .name = bytes_of_text(name)};
    if (fs_is_reserved(parent, name)) {
        fuse_reply_err(req, EPERM);
        return;
    }
    op.hold = open_inode(fs_of(req), parent, name);
    take_away(req, &op);
}

void fs_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    removal(req, OP_UNLINK, parent, name);
}

void fs_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    removal(req, OP_RMDIR, parent, name);
}

void fs_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
               const char *new_name, unsigned int flags)
{
    struct op op = {.type = OP_RENAME,
                    .ino = parent,
                    .name = bytes_of_text(name),
                    .ino2 = new_parent,
                    .name2 = bytes_of_text(new_name)};
    if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) != 0) {
        fuse_reply_err(req, EINVAL);
        return;
    }
    if (fs_is_reserved(parent, name) || fs_is_reserved(new_parent, new_name)) {
        fuse_reply_err(req, EPERM);
        return;
    }
    if (flags & RENAME_NOREPLACE)
        op.flags |= OP_NO_REPLACE;
    if (flags & RENAME_EXCHANGE)
        op.flags |= OP_EXCHANGE;
    if (flags == 0)
        op.hold = open_inode(fs_of(req), new_parent, new_name);
    take_away(req, &op);
}
