/* Extended attributes.
 *
 * Two kinds are refused. POSIX ACLs, because nothing would enforce them. And security.capability:
 * the kernel asks for it before every write through a cached handle, which would cost a second
 * round of the cluster each; the mount is nosuid, so it would have no effect anyway. */
#include "fs/request.h"
#include "fs/special.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

#define ACL_PREFIX "system.posix_acl_"

static bool unsupported(const char *name)
{
    return strncmp(name, ACL_PREFIX, sizeof ACL_PREFIX - 1) == 0 ||
           strcmp(name, "security.capability") == 0;
}

static void change(fuse_req_t req, const struct op *op, const char *name)
{
    struct fs_request *r;

    if (unsupported(name)) {
        fuse_reply_err(req, EOPNOTSUPP);
        return;
    }
    r = fs_request_new(req, op->ino, NULL);
    if (r)
        fs_request_change(r, op, 1, fs_reply_ok);
}

void fs_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size,
                 int flags)
{
    struct op op = {.type = OP_SETXATTR,
                    .ino = ino,
                    .name = bytes_of_text(name),
                    .data = bytes_of(value, size)};

    if (flags & XATTR_CREATE)
        op.flags |= OP_XATTR_CREATE;
    if (flags & XATTR_REPLACE)
        op.flags |= OP_XATTR_REPLACE;
    change(req, &op, name);
}

void fs_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
    struct op op = {.type = OP_REMOVEXATTR, .ino = ino, .name = bytes_of_text(name)};

    change(req, &op, name);
}

static void value_read(struct fs_request *r, struct tree *tree)
{
    int rc = tree_getxattr(tree, fs_tree_ino(r->ino), bytes_of_text(r->name), &r->fs->scratch);

    if (rc < 0)
        fs_reply_error(r, rc);
    else
        fs_reply_sized(r);
}

void fs_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
    struct fs_request *r;

    if (unsupported(name) || fs_is_virtual(ino)) {
        fuse_reply_err(req, EOPNOTSUPP);
        return;
    }
    r = fs_request_new(req, ino, name);
    if (!r)
        return;
    r->size = size;
    fs_request_read(r, value_read);
}

static void names_read(struct fs_request *r, struct tree *tree)
{
    int rc = tree_listxattr(tree, fs_tree_ino(r->ino), &r->fs->scratch);

    if (rc < 0)
        fs_reply_error(r, rc);
    else
        fs_reply_sized(r);
}

void fs_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
    struct fs_request *r;

    if (fs_is_virtual(ino)) {
        fuse_reply_err(req, EOPNOTSUPP);
        return;
    }
    r = fs_request_new(req, ino, NULL);
    if (!r)
        return;
    r->size = size;
    fs_request_read(r, names_read);
}
