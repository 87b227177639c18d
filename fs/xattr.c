/* Extended attributes.
 *
 * Names begin with user, trusted or security; the kernel checks who may use which. Two kinds are
 * refused: POSIX ACLs, because nothing would enforce them, and security.capability. The kernel asks
 * for the latter before every write through a cached handle, which would cost a second round of the
 * cluster each time; since the mount is nosuid, it would have no effect anyway.
 *
 * Two are made up: user.quorumfs.ttl is the time after which a file goes away, counted from its
 * last change, and user.quorumfs.expires is what is left of it. */
#include "fs/request.h"
#include "fs/special.h"

#include "base/duration.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

#define TRUSTED "trusted."
#define TTL "user.quorumfs.ttl"
#define EXPIRES "user.quorumfs.expires"

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

/* The operation that gives a file its ttl; 0 takes it away, and so does removexattr(2). */
static bool ttl_change(struct op *op)
{
    uint64_t ms = 0;
    bool set = op->type == OP_SETXATTR;
    if (set && !duration_read(op->data, &ms))
        return false;
    *op = (struct op){.type = OP_TTL, .ino = op->ino, .size = ms};
    return !set || ms == 0 || (ms >= TTL_MS_MIN && ms <= TTL_MS_MAX);
}

static void xattr_change(fuse_req_t req, struct op *op, const char *name)
{
    bool readable = strcmp(name, EXPIRES) == 0;
    if (unsupported(name) || readable) {
        fuse_reply_err(req, readable ? EPERM : EOPNOTSUPP);
        return;
    }
    if (strcmp(name, TTL) == 0 && !ttl_change(op)) {
        fuse_reply_err(req, EINVAL);
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

/* The ttl of a file, or what is left of it, in ms. 0 or -ENODATA. */
static int ttl_read(struct fs_request *r, struct tree *tree, bool left, uint64_t *ms)
{
    uint64_t lease, ino = fs_tree_ino(r->ino);
    struct attr attr;
    int status = tree_getattr(tree, ino, &attr);
    if (status == 0)
        status = tree_ttl(tree, &attr, ms, &lease);
    if (status == 0 && *ms == 0)
        status = -ENODATA;
    if (status == 0 && left)
        *ms = replica_left_ms(r->fs->replica, ino);
    return status == 0 && *ms == UINT64_MAX ? -ENODATA : status;
}

static bool is_made_up(const char *name)
{
    return strcmp(name, TTL) == 0 || strcmp(name, EXPIRES) == 0;
}

static int made_up_read(struct fs_request *r, struct tree *tree)
{
    char text[DURATION_TEXT_MAX];
    uint64_t ms;
    int status = ttl_read(r, tree, strcmp(r->name, EXPIRES) == 0, &ms);
    if (status < 0)
        return status;
    duration_print(ms, text);
    buffer_append(&r->fs->scratch, text, strlen(text));
    return 0;
}

static void value_read(struct fs_request *r, struct tree *tree)
{
    int status = is_made_up(r->name) ? made_up_read(r, tree)
                                     : tree_getxattr(tree, fs_tree_ino(r->ino),
                                                     bytes_of_text(r->name), &r->fs->scratch);
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
    uint64_t ms;
    int status = tree_listxattr(tree, fs_tree_ino(r->ino), &r->fs->scratch);
    if (status == 0 && ttl_read(r, tree, false, &ms) == 0)
        buffer_append(&r->fs->scratch, TTL, sizeof TTL);
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
