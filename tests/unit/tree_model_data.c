/* The model's operations by key, on contents and on attributes. */
#include "tree_model.h"

#include "command/key.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A change of contents by inode: its caller was checked by the kernel. */
static void kill_priv(struct model *m, const struct op *op, uint64_t ino)
{
    struct attr *attr = &m->inode[ino].attr;
    if (!(op->flags & OP_KILL_PRIV) || model_is_dir(m, ino))
        return;
    attr->mode &= ~(uint32_t)S_ISUID;
    if ((attr->mode & S_IXGRP) || op->outsider)
        attr->mode &= ~(uint32_t)S_ISGID;
}

/* ---- By key ---- */

static int check_conditions(const struct model *m, const struct op *op, uint64_t ino)
{
    if ((op->flags & OP_IF_ABSENT) && ino)
        return -ECANCELED;
    if ((op->flags & (OP_IF_EXISTS | OP_IF_REVISION)) && !ino)
        return -ECANCELED;
    if ((op->flags & OP_IF_REVISION) && m->inode[ino].attr.revision != op->revision)
        return -ECANCELED;
    return 0;
}

static void give_old(struct model *m, const struct op *op, uint64_t ino, struct op_result *out)
{
    const struct model_inode *inode = &m->inode[ino];
    if (!(op->flags & OP_WANT_OLD) || !S_ISREG(inode->attr.mode) ||
        model_may(m, ino, CALLER_READ) < 0)
        return;
    out->old_present = true;
    out->old_at = m->old->len;
    out->old_len = inode->attr.size;
    buffer_append(m->old, inode->bytes, inode->attr.size);
}

/* Whether everything from this name on is a directory that a PUT made in passing. */
static bool only_implied(const struct model *m, const struct model_name *n)
{
    if (!model_is_dir(m, n->ino) || m->inode[n->ino].attr.rdev == 0)
        return false;
    for (int i = 0; i < MODEL_NAMES; i++)
        if (m->name[i].ino && m->name[i].parent == n->ino && !only_implied(m, &m->name[i]))
            return false;
    return true;
}

static void drop_all(struct model *m, struct model_name *n)
{
    for (int i = 0; i < MODEL_NAMES; i++)
        if (m->name[i].ino && m->name[i].parent == n->ino)
            drop_all(m, &m->name[i]);
    model_drop(m, n, 0);
}

static struct model_name *name_of_dir(struct model *m, uint64_t ino)
{
    struct model_name *n = m->name;
    while (n->ino != ino)
        n++;
    return n;
}

void model_prune(struct model *m, uint64_t dir)
{
    while (m->inode[dir].attr.rdev != 0 && m->inode[dir].attr.size == 0) {
        uint64_t parent = m->inode[dir].parent;
        if (model_may_remove(m, name_of_dir(m, dir)) < 0)
            return;
        model_drop(m, name_of_dir(m, dir), 0);
        dir = parent;
    }
}

static int may_put(struct model *m, const struct op *op, uint64_t dir, uint64_t ino,
                   const struct model_name *in_the_way)
{
    bool mortal = op->lease || (op->ttl && op->ttl != TTL_NONE);
    int status =
        ino ? model_may(m, ino, CALLER_WRITE) : model_may(m, dir, CALLER_WRITE | CALLER_SEARCH);
    if (status == 0 && ino && mortal)
        status = model_may_remove_all(m, ino);
    return status == 0 && in_the_way ? model_may_remove_below(m, in_the_way) : status;
}

static int apply_put(struct model *m, const struct op *op, struct op_result *out)
{
    struct attr attr = {.mode = S_IFDIR | 0755,
                        .uid = m->checked ? m->caller.uid : op->uid,
                        .gid = m->checked ? m->caller.gid : op->gid,
                        .rdev = m->level >= 3};
    struct bytes rest = op->name, name = key_next(&rest);
    uint64_t dir = INO_ROOT, ino = model_find(m, dir, name);
    if (model_may(m, dir, CALLER_SEARCH) < 0)
        return -EACCES;
    while (ino && rest.len > 0) {
        if (!model_is_dir(m, ino))
            return -ENOTDIR;
        dir = ino;
        if (model_may(m, dir, CALLER_SEARCH) < 0)
            return -EACCES;
        name = key_next(&rest);
        ino = model_find(m, dir, name);
    }
    struct model_name *in_the_way = ino ? model_name_of(m, dir, name) : NULL;
    if (in_the_way && !only_implied(m, in_the_way))
        in_the_way = NULL;
    ino = in_the_way ? 0 : ino;
    int status = ino && model_is_dir(m, ino) ? -EISDIR : may_put(m, op, dir, ino, in_the_way);
    if (status == 0 && ino)
        status = model_check_file(m, ino);
    if (status == 0)
        status = check_conditions(m, op, ino);
    if (status == 0)
        status = model_check_mortal(m, op, ino);
    if (status < 0)
        return status;
    if (in_the_way)
        drop_all(m, in_the_way);
    out->existed = ino != 0;
    if (ino) {
        give_old(m, op, ino, out);
        if (m->checked)
            model_kill_priv(m, op, ino);
        else
            kill_priv(m, op, ino);
    }
    while (!ino && rest.len > 0) {
        dir = model_make(m, dir, name, attr);
        name = key_next(&rest);
    }
    attr.mode = S_IFREG | (op->mode ? op->mode & 07777 : 0644);
    attr.rdev = 0;
    if (!ino)
        ino = model_make(m, dir, name, attr);
    model_replace(m, ino, op->data);
    model_put_mortal(m, op, ino);
    out->attr = m->inode[ino].attr;
    return 0;
}

static int apply_delete(struct model *m, const struct op *op, struct op_result *out)
{
    struct bytes rest = op->name;
    struct model_name *n = model_name_of(m, INO_ROOT, key_next(&rest));
    if (model_may(m, INO_ROOT, CALLER_SEARCH) < 0)
        return -EACCES;
    while (n && rest.len > 0) {
        if (!model_is_dir(m, n->ino))
            return -ENOTDIR;
        if (model_may(m, n->ino, CALLER_SEARCH) < 0)
            return -EACCES;
        n = model_name_of(m, n->ino, key_next(&rest));
    }
    bool in_the_way = n && only_implied(m, n);
    int status = n && !in_the_way ? model_may_remove(m, n) : 0;
    if (status == 0 && n && model_is_dir(m, n->ino) && !in_the_way)
        status = -EISDIR;
    if (status == 0)
        status = check_conditions(m, op, n && !in_the_way ? n->ino : 0);
    if (status < 0 || !n || (in_the_way && model_may_remove_below(m, n) < 0))
        return status;
    uint64_t dir = n->parent;
    if (in_the_way) {
        drop_all(m, n);
    } else {
        out->existed = true;
        give_old(m, op, n->ino, out);
        out->attr = model_drop(m, n, op->hold);
    }
    model_prune(m, dir);
    return 0;
}

/* ---- Contents ---- */

/* A file that becomes longer than fits inline stays in chunks until it is emptied or replaced. */
static void resize(struct model *m, uint64_t ino, size_t size)
{
    struct model_inode *inode = &m->inode[ino];
    assert(size <= WORKLOAD_FILE_MAX);
    if (size < inode->attr.size)
        memset(inode->bytes + size, 0, inode->attr.size - size);
    inode->attr.size = size;
    inode->chunks = size > 0 && (inode->chunks || size > MODEL_INLINE_MAX);
    inode->attr.used = inode->chunks ? MODEL_USED_UNKNOWN : size;
    model_touch_contents(m, ino);
}

static void write_bytes(struct model *m, const struct op *op, size_t offset)
{
    struct model_inode *inode = &m->inode[op->ino];
    size_t end = offset + op->data.len;
    if (op->data.len == 0 && !(op->flags & OP_TRUNCATE_FIRST))
        return;
    kill_priv(m, op, op->ino);
    if (op->flags & OP_TRUNCATE_FIRST)
        resize(m, op->ino, 0);
    if (op->data.len == 0)
        return;
    resize(m, op->ino, end > inode->attr.size ? end : inode->attr.size);
    memcpy(inode->bytes + offset, op->data.data, op->data.len);
}

static void punch(struct model *m, const struct op *op)
{
    struct model_inode *inode = &m->inode[op->ino];
    for (size_t i = op->offset; i < inode->attr.size && i < op->offset + op->size; i++)
        inode->bytes[i] = 0;
    model_touch_contents(m, op->ino);
}

static int apply_contents(struct model *m, const struct op *op, struct op_result *out)
{
    const struct attr *attr = &m->inode[op->ino].attr;
    int status = model_check_file(m, op->ino);
    if (status < 0)
        return status;
    if (op->type == OP_PUNCH && op->size == 0)
        return -EINVAL;
    if (op->type == OP_APPEND)
        out->offset = op->flags & OP_TRUNCATE_FIRST ? 0 : attr->size;
    if (op->type == OP_WRITE || op->type == OP_APPEND)
        write_bytes(m, op, op->type == OP_WRITE ? op->offset : out->offset);
    if (op->type == OP_TRUNCATE)
        kill_priv(m, op, op->ino);
    if (op->type == OP_TRUNCATE || (op->type == OP_ALLOCATE && op->size > attr->size))
        resize(m, op->ino, op->size);
    if (op->type == OP_PUNCH)
        punch(m, op);
    out->attr = *attr;
    return 0;
}

/* ---- Attributes ---- */

static void set_attributes(struct model *m, const struct op *op)
{
    struct attr *attr = &m->inode[op->ino].attr;
    kill_priv(m, op, op->ino);
    if (op->flags & OP_SET_MODE)
        attr->mode = (attr->mode & S_IFMT) | (op->mode & 07777);
    if (op->flags & OP_SET_UID)
        attr->uid = op->uid;
    if (op->flags & OP_SET_GID)
        attr->gid = op->gid;
    if (op->flags & (OP_SET_MTIME | OP_SET_MTIME_NOW))
        attr->mtime = op->flags & OP_SET_MTIME_NOW ? (int64_t)m->time : op->mtime;
    if (op->flags & (OP_SET_ATIME | OP_SET_ATIME_NOW))
        attr->atime = op->flags & OP_SET_ATIME_NOW ? (int64_t)m->time : op->atime;
}

static int apply_xattr(struct model *m, const struct op *op)
{
    struct buffer **xattr = &m->inode[op->ino].xattr[model_xattr(op->name)];
    if (op->type == OP_SETXATTR && op->data.len > XATTR_VALUE_BYTES_MAX)
        return -E2BIG;
    if (op->type == OP_SETXATTR && (op->flags & OP_XATTR_CREATE) && *xattr)
        return -EEXIST;
    if ((op->type == OP_REMOVEXATTR || (op->flags & OP_XATTR_REPLACE)) && !*xattr)
        return -ENODATA;
    if (*xattr)
        buffer_free(*xattr);
    free(*xattr);
    *xattr = op->type == OP_SETXATTR ? calloc(1, sizeof **xattr) : NULL;
    if (*xattr)
        buffer_append(*xattr, op->data.data, op->data.len);
    return 0;
}

static int apply_attributes(struct model *m, const struct op *op, struct op_result *out)
{
    int status = 0;
    if (!model_exists(m, op->ino))
        return -ESTALE;
    if (op->type == OP_SETATTR)
        set_attributes(m, op);
    else
        status = apply_xattr(m, op);
    if (status < 0)
        return status;
    model_claim(m, op->ino);
    model_touch(m, op->ino);
    out->attr = m->inode[op->ino].attr;
    return 0;
}

int model_apply_data(struct model *m, const struct op *op, struct op_result *out)
{
    switch (op->type) {
    case OP_PUT:
        return apply_put(m, op, out);
    case OP_DELETE:
        return apply_delete(m, op, out);
    case OP_SETATTR:
    case OP_SETXATTR:
    case OP_REMOVEXATTR:
        return apply_attributes(m, op, out);
    default:
        return apply_contents(m, op, out);
    }
}
