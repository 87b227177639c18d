#include "fs/rights.h"

#include "fs/special.h"

#include <errno.h>
#include <linux/fuse.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Copies the body of the request that is being taken in. Returns its opcode, or 0 if the request is
 * too short. */
static uint32_t body_of(const struct fs *fs, void *body, size_t size)
{
    struct fuse_in_header header;
    if (!fs->request.mem || fs->request.size < sizeof header)
        return 0;
    memcpy(&header, fs->request.mem, sizeof header);
    size_t there = fs->request.size - sizeof header;
    memset(body, 0, size);
    memcpy(body, (const char *)fs->request.mem + sizeof header, there < size ? there : size);
    return header.opcode;
}

/* Whether the caller lacks CAP_FSETID. From Linux 5.11 on, the kernel says so where contents
 * change; elsewhere it is taken for the right of root. */
static bool lacks_fsetid(fuse_req_t req)
{
    const struct fs *fs = fs_of(req);
    union {
        struct fuse_write_in write;
        struct fuse_open_in open;
        struct fuse_setattr_in setattr;
    } body;
    uint32_t opcode = fs_says_fsetid(fs) ? body_of(fs, &body, sizeof body) : 0;
    if (opcode == FUSE_WRITE)
        return body.write.write_flags & FUSE_WRITE_KILL_SUIDGID;
    if (opcode == FUSE_OPEN)
        return body.open.open_flags & FUSE_OPEN_KILL_SUIDGID;
    if (opcode == FUSE_SETATTR && (body.setattr.valid & FATTR_SIZE))
        return body.setattr.valid & FATTR_KILL_SUIDGID;
    return fuse_req_ctx(req)->uid != 0;
}

/* Whether the group is a supplementary one of the caller. */
static bool has_group(fuse_req_t req, gid_t gid)
{
    int count = fuse_req_getgroups(req, 0, NULL);
    gid_t *groups = count > 0 ? malloc((size_t)count * sizeof *groups) : NULL;
    int got = groups ? fuse_req_getgroups(req, count, groups) : 0;
    bool found = false;
    for (int i = 0; i < got && i < count && !found; i++)
        found = groups[i] == gid;
    free(groups);
    return found;
}

/* Whether the caller is outside of the file's group. If this cannot be known, it is: the bit goes
 * rather than stay with somebody who may not have it. The tree of this node may be a moment behind
 * the others', and then show no bit yet that would be worth looking up all groups. */
static bool is_outsider(fuse_req_t req, uint64_t ino)
{
    struct attr attr;
    if (tree_getattr(replica_tree(fs_of(req)->replica), fs_tree_ino(ino), &attr) < 0)
        return true;
    if (fuse_req_ctx(req)->gid == attr.gid)
        return false;
    return !(attr.mode & S_ISGID) || !has_group(req, attr.gid);
}

/* Until all nodes understand it, setgid without group execution stays. */
static bool can_say_outsider(fuse_req_t req)
{
    return tree_cluster(replica_tree(fs_of(req)->replica))->level >= LEVEL_OUTSIDER;
}

static void rights_take(fuse_req_t req, bool keeps_setgid, struct op *op)
{
    op->flags |= OP_KILL_PRIV;
    op->outsider = !keeps_setgid && can_say_outsider(req) && is_outsider(req, op->ino);
}

void fs_rights_write(fuse_req_t req, struct op *op)
{
    if (lacks_fsetid(req))
        rights_take(req, false, op);
}

void fs_rights_chown(fuse_req_t req, struct op *op)
{
    rights_take(req, fuse_req_ctx(req)->uid == 0, op);
}
