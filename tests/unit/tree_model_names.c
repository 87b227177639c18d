/* The model's operations on names. */
#include "tree_model.h"

#include <errno.h>
#include <sys/stat.h>

/* The mode of what is made, with its type, or the negative errno. */
static int mode_of(const struct op *op)
{
    int mode = (int)op->mode & 07777, type = (int)op->mode & S_IFMT;
    if (op->type == OP_MKDIR)
        return mode | S_IFDIR;
    if (op->type == OP_CREATE || (op->type == OP_MKNOD && type == 0))
        return mode | S_IFREG;
    if (op->type == OP_MKNOD)
        return type == S_IFDIR || type == S_IFLNK ? -EINVAL : mode | type;
    if (op->data.len == 0)
        return -ENOENT;
    return op->data.len > SYMLINK_BYTES_MAX ? -ENAMETOOLONG : S_IFLNK | 0777;
}

static int apply_make(struct model *m, const struct op *op, struct op_result *out)
{
    int mode = mode_of(op), status = mode < 0 ? mode : model_check_dir(m, op->ino);
    struct attr attr = {.mode = (uint32_t)mode, .uid = op->uid, .gid = op->gid};
    if (status < 0)
        return status;
    uint64_t ino = model_find(m, op->ino, op->name);
    if (ino && op->type == OP_CREATE && !(op->flags & OP_EXCLUSIVE)) {
        if (model_is_dir(m, ino))
            return -EISDIR;
        out->existed = S_ISREG(m->inode[ino].attr.mode);
        out->attr = m->inode[ino].attr;
        return out->existed ? 0 : -EEXIST;
    }
    if (ino)
        return -EEXIST;
    if (S_ISCHR(mode) || S_ISBLK(mode))
        attr.rdev = op->rdev;
    model_claim(m, op->ino);
    ino = model_make(m, op->ino, op->name, attr);
    if (op->type == OP_SYMLINK)
        model_replace(m, ino, op->data);
    out->attr = m->inode[ino].attr;
    return 0;
}

static int apply_link(struct model *m, const struct op *op, struct op_result *out)
{
    int status = model_check_dir(m, op->ino);
    struct attr *attr = &m->inode[op->ino2].attr;
    if (status < 0)
        return status;
    if (!model_exists(m, op->ino2))
        return -ESTALE;
    if (model_is_dir(m, op->ino2))
        return -EPERM;
    if (attr->nlink == 0)
        return -ENOENT;
    if (model_find(m, op->ino, op->name))
        return -EEXIST;
    if (m->inode[op->ino2].bound)
        return -EMLINK;
    if (attr->nlink >= MORTAL_LINKS_MAX &&
        (m->inode[op->ino2].ttl > 0 || m->inode[op->ino2].lease > 0))
        return -EMLINK;
    model_claim(m, op->ino);
    model_enter(m, op->ino, op->name, op->ino2);
    attr->nlink++;
    model_touch(m, op->ino2);
    out->attr = *attr;
    return 0;
}

static bool is_empty(const struct model *m, uint64_t dir)
{
    return m->inode[dir].attr.size == 0;
}

static int apply_remove(struct model *m, const struct op *op, struct op_result *out)
{
    int status = model_check_dir(m, op->ino);
    struct model_name *n = status < 0 ? NULL : model_name_of(m, op->ino, op->name);
    if (!n)
        return status < 0 ? status : -ENOENT;
    if (op->type == OP_UNLINK && model_is_dir(m, n->ino))
        return -EISDIR;
    if (op->type == OP_RMDIR && !model_is_dir(m, n->ino))
        return -ENOTDIR;
    if (op->type == OP_RMDIR && !is_empty(m, n->ino))
        return -ENOTEMPTY;
    out->existed = true;
    out->attr = model_drop(m, n, op->hold);
    return 0;
}

static bool is_below(const struct model *m, uint64_t ino, uint64_t dir)
{
    while (ino != dir && ino != INO_ROOT)
        ino = m->inode[ino].parent;
    return ino == dir;
}

static int check_replace(const struct model *m, uint64_t source, uint64_t target)
{
    if (!model_is_dir(m, source) && model_is_dir(m, target))
        return -EISDIR;
    if (model_is_dir(m, source) && !model_is_dir(m, target))
        return -ENOTDIR;
    return model_is_dir(m, target) && !is_empty(m, target) ? -ENOTEMPTY : 0;
}

static int check_rename(const struct model *m, const struct op *op, uint64_t source,
                        uint64_t target)
{
    bool exchange = op->flags & OP_EXCHANGE;
    if (!source)
        return -ENOENT;
    if (target && (op->flags & OP_NO_REPLACE))
        return -EEXIST;
    if (!target && exchange)
        return -ENOENT;
    if (source == target)
        return 0;
    if (model_is_dir(m, source) && is_below(m, op->ino2, source))
        return -EINVAL;
    if (exchange)
        return model_is_dir(m, target) && is_below(m, op->ino, target) ? -EINVAL : 0;
    return target ? check_replace(m, source, target) : 0;
}

static int apply_rename(struct model *m, const struct op *op, struct op_result *out)
{
    int status = model_check_dir(m, op->ino);
    if ((op->flags & OP_NO_REPLACE) && (op->flags & OP_EXCHANGE))
        return -EINVAL;
    if (status == 0)
        status = model_check_dir(m, op->ino2);
    if (status < 0)
        return status;
    uint64_t source = model_find(m, op->ino, op->name);
    uint64_t target = model_find(m, op->ino2, op->name2);
    status = check_rename(m, op, source, target);
    if (status < 0)
        return status;
    out->existed = target != 0;
    if (source != target) {
        model_claim(m, source);
        model_claim(m, op->ino2);
        if (op->flags & OP_EXCHANGE) {
            model_claim(m, target);
            model_claim(m, op->ino);
        }
        model_leave(m, model_name_of(m, op->ino, op->name));
        if (target && (op->flags & OP_EXCHANGE)) {
            model_leave(m, model_name_of(m, op->ino2, op->name2));
            model_enter(m, op->ino, op->name, target);
            model_touch(m, target);
        } else if (target) {
            model_drop(m, model_name_of(m, op->ino2, op->name2), op->hold);
        }
        model_enter(m, op->ino2, op->name2, source);
        model_touch(m, source);
    }
    out->attr = m->inode[source].attr;
    return 0;
}

static int apply_release(struct model *m, const struct op *op, struct op_result *out)
{
    if (!model_exists(m, op->ino))
        return -ESTALE;
    if (m->inode[op->ino].holder != m->node)
        return -EINVAL;
    out->attr = model_unmake(m, op->ino);
    return 0;
}

int model_apply_name(struct model *m, const struct op *op, struct op_result *out)
{
    switch (op->type) {
    case OP_LINK:
        return apply_link(m, op, out);
    case OP_UNLINK:
    case OP_RMDIR:
        return apply_remove(m, op, out);
    case OP_RENAME:
        return apply_rename(m, op, out);
    case OP_RELEASE:
        return apply_release(m, op, out);
    default:
        return apply_make(m, op, out);
    }
}
