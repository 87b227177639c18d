/* Extended attributes.
 *
 * Names begin with user, trusted or security; the kernel checks who may use which. Two kinds are
 * refused: POSIX ACLs, because nothing would enforce them, and security.capability. The kernel asks
 * for the latter before every write through a cached handle, which would cost a second round of the
 * cluster each time; since the mount is nosuid, it would have no effect anyway. */
#include "fs/request.h"
#include "fs/special.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

#define TRUSTED "trusted."

static bool begins_with(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool unsupported(const char *name)
{
    if (strcmp(name, "security.capability") == 0)
        return true;
    return !begins_with(name, "user.") && !begins_with(name, TRUSTED) &&
           !begins_with(name, "security.");
}

static void xattr_change(fuse_req_t req, const struct op *op, const char *name)
{
    if (unsupported(name)) {
        fuse_reply_err(req, EOPNOTSUPP);
        return;
    }
    struct fs_request *r = fs_request_new(req, op->ino, NULL);
    if (!r)
        return;
    r->if_gone = fs_reply_there;
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
    xattr_change(req, &op, name);
}

void fs_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
    struct op op = {.type = OP_REMOVEXATTR, .ino = ino, .name = bytes_of_text(name)};
    xattr_change(req, &op, name);
}

static void value_read(struct fs_request *r, struct tree *tree)
{
    int status = tree_getxattr(tree, fs_tree_ino(r->ino), bytes_of_text(r->name), &r->fs->scratch);
    /* `ls -l` asks for the label of every file unless the file system has no labels. */
    if (status == -ENODATA && strcmp(r->name, "security.selinux") == 0)
        status = -EOPNOTSUPP;
    if (status < 0)
        fs_reply_error(r, status);
    else
        fs_reply_sized(r);
}

void fs_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
    if (unsupported(name) || fs_is_virtual(ino)) {
        fuse_reply_err(req, EOPNOTSUPP);
        return;
    }
    struct fs_request *r = fs_request_new(req, ino, name);
    if (!r)
        return;
    r->size = size;
    fs_request_read(r, value_read);
}

/* Takes names that only root may see out of a list of names, each with a NUL. */
static void leave_out_trusted(struct buffer *names)
{
    size_t len = 0, end;
    for (size_t at = 0; at < names->len; at = end) {
        const char *name = (const char *)names->data + at;
        end = at + strlen(name) + 1;
        if (begins_with(name, TRUSTED))
            continue;
        memmove(names->data + len, name, end - at);
        len += end - at;
    }
    names->len = len;
}

static void names_read(struct fs_request *r, struct tree *tree)
{
    int status = tree_listxattr(tree, fs_tree_ino(r->ino), &r->fs->scratch);
    if (fuse_req_ctx(r->req)->uid != 0)
        leave_out_trusted(&r->fs->scratch);
    if (status < 0)
        fs_reply_error(r, status);
    else
        fs_reply_sized(r);
}

void fs_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
    if (fs_is_virtual(ino)) {
        fuse_reply_err(req, EOPNOTSUPP);
        return;
    }
    struct fs_request *r = fs_request_new(req, ino, NULL);
    if (!r)
        return;
    r->size = size;
    fs_request_read(r, names_read);
}
