#include "tree_model.h"

#include "command/key.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct model *model_new(void)
{
    struct model *m = calloc(1, sizeof *m);

    m->inode[INO_ROOT] =
        (struct model_inode){.mode = S_IFDIR | 0777, .nlink = 2, .parent = INO_ROOT};
    m->inodes = INO_ROOT + 1;
    return m;
}

void model_free(struct model *m)
{
    for (uint32_t i = 0; i < MODEL_INODES; i++)
        free(m->inode[i].bytes);
    free(m);
}

static uint8_t *copy_bytes(const struct model_inode *inode)
{
    uint8_t *bytes = calloc(1, WORKLOAD_FILE_MAX);

    memcpy(bytes, inode->bytes, inode->size);
    return bytes;
}

struct model *model_copy(const struct model *m)
{
    struct model *copy = malloc(sizeof *copy);

    memcpy(copy, m, sizeof *copy);
    for (uint32_t i = 0; i < MODEL_INODES; i++) {
        if (copy->inode[i].bytes)
            copy->inode[i].bytes = copy_bytes(&m->inode[i]);
    }
    return copy;
}

static struct model_name *find(struct model *m, uint64_t parent, struct bytes name)
{
    for (int i = 0; i < MODEL_NAMES; i++) {
        struct model_name *n = &m->name[i];
        if (n->ino && n->parent == parent && bytes_equal(bytes_of_text(n->name), name))
            return n;
    }
    return NULL;
}

uint64_t model_find(const struct model *m, uint64_t parent, struct bytes name)
{
    struct model_name *n = find((struct model *)m, parent, name);

    return n ? n->ino : 0;
}

static bool is_dir(const struct model *m, uint64_t ino)
{
    return S_ISDIR(m->inode[ino].mode);
}

static bool is_empty(const struct model *m, uint64_t dir)
{
    for (int i = 0; i < MODEL_NAMES; i++) {
        if (m->name[i].ino && m->name[i].parent == dir)
            return false;
    }
    return true;
}

static bool exists(const struct model *m, uint64_t ino)
{
    return ino < m->inodes && m->inode[ino].mode != 0;
}

static int check_dir(const struct model *m, uint64_t ino)
{
    if (!exists(m, ino))
        return -ESTALE;
    if (!is_dir(m, ino))
        return -ENOTDIR;
    return m->inode[ino].nlink == 0 ? -ENOENT : 0;
}

static int check_file(const struct model *m, uint64_t ino)
{
    if (!exists(m, ino))
        return -ESTALE;
    return is_dir(m, ino) ? -EISDIR : 0;
}

static void enter(struct model *m, uint64_t parent, struct bytes name, uint64_t ino)
{
    struct model_name *n = m->name;

    while (n->ino)
        n++;
    assert(n < m->name + MODEL_NAMES);
    *n = (struct model_name){.parent = parent, .ino = ino};
    memcpy(n->name, name.data, name.len);
    if (is_dir(m, ino)) {
        m->inode[parent].nlink++;
        m->inode[ino].parent = parent;
    }
}

static void leave(struct model *m, struct model_name *n)
{
    if (is_dir(m, n->ino))
        m->inode[n->parent].nlink--;
    n->ino = 0;
}

static uint64_t make(struct model *m, uint64_t parent, struct bytes name, uint32_t mode)
{
    uint64_t ino = m->inodes++;
    struct model_inode *inode = &m->inode[ino];

    assert(ino < MODEL_INODES);
    inode->mode = mode;
    inode->nlink = S_ISDIR(mode) ? 2 : 1;
    inode->bytes = S_ISDIR(mode) ? NULL : calloc(1, WORKLOAD_FILE_MAX);
    enter(m, parent, name, ino);
    return ino;
}

static void unmake(struct model *m, uint64_t ino)
{
    free(m->inode[ino].bytes);
    m->inode[ino] = (struct model_inode){0};
}

static void drop(struct model *m, struct model_name *n, uint64_t hold)
{
    uint64_t ino = n->ino;
    struct model_inode *inode = &m->inode[ino];

    leave(m, n);
    inode->nlink = S_ISDIR(inode->mode) ? 0 : inode->nlink - 1;
    if (inode->nlink > 0)
        return;
    if (hold == ino)
        inode->held = true;
    else
        unmake(m, ino);
}

static void resize(struct model_inode *inode, size_t size)
{
    assert(size <= WORKLOAD_FILE_MAX);
    if (size < inode->size)
        memset(inode->bytes + size, 0, inode->size - size);
    inode->size = size;
}

static void write_bytes(struct model_inode *inode, size_t offset, struct bytes data)
{
    if (data.len == 0)
        return;
    if (offset + data.len > inode->size)
        resize(inode, offset + data.len);
    memcpy(inode->bytes + offset, data.data, data.len);
}

static int apply_put(struct model *m, const struct op *op)
{
    struct bytes rest = op->name, name = key_next(&rest);
    uint64_t dir = INO_ROOT, ino = model_find(m, dir, name);

    while (ino && rest.len > 0) {
        if (!is_dir(m, ino))
            return -ENOTDIR;
        dir = ino;
        name = key_next(&rest);
        ino = model_find(m, dir, name);
    }
    if (ino && is_dir(m, ino))
        return -EISDIR;
    if (((op->flags & OP_IF_ABSENT) && ino) || ((op->flags & OP_IF_EXISTS) && !ino))
        return -ECANCELED;
    while (!ino && rest.len > 0) {
        dir = make(m, dir, name, S_IFDIR | 0755);
        name = key_next(&rest);
    }
    if (!ino)
        ino = make(m, dir, name, S_IFREG | op->mode);
    resize(&m->inode[ino], 0);
    write_bytes(&m->inode[ino], 0, op->data);
    return 0;
}

static int apply_delete(struct model *m, const struct op *op)
{
    struct bytes rest = op->name;
    uint64_t dir = INO_ROOT;

    for (;;) {
        struct model_name *n = find(m, dir, key_next(&rest));
        if (!n)
            return 0;
        if (rest.len == 0) {
            if (is_dir(m, n->ino))
                return -EISDIR;
            drop(m, n, op->hold);
            return 0;
        }
        if (!is_dir(m, n->ino))
            return -ENOTDIR;
        dir = n->ino;
    }
}

static int apply_data(struct model *m, const struct op *op)
{
    struct model_inode *inode = &m->inode[op->ino];
    int status = check_file(m, op->ino);

    if (status < 0)
        return status;
    if (op->flags & OP_TRUNCATE_FIRST)
        resize(inode, 0);
    if (op->type == OP_WRITE)
        write_bytes(inode, op->offset, op->data);
    else if (op->type == OP_APPEND)
        write_bytes(inode, inode->size, op->data);
    else if (op->type == OP_TRUNCATE || op->size > inode->size)
        resize(inode, op->size);
    return 0;
}

static int apply_punch(struct model *m, const struct op *op)
{
    struct model_inode *inode = &m->inode[op->ino];
    int status = check_file(m, op->ino);

    if (status < 0)
        return status;
    if (op->size == 0)
        return -EINVAL;
    for (size_t i = op->offset; i < inode->size && i < op->offset + op->size; i++)
        inode->bytes[i] = 0;
    return 0;
}

static int apply_make(struct model *m, const struct op *op)
{
    int status = check_dir(m, op->ino);
    uint64_t ino;

    if (status < 0)
        return status;
    ino = model_find(m, op->ino, op->name);
    if (ino && op->type == OP_CREATE && !(op->flags & OP_EXCLUSIVE))
        return is_dir(m, ino) ? -EISDIR : 0;
    if (ino)
        return -EEXIST;
    make(m, op->ino, op->name, op->mode | (op->type == OP_MKDIR ? S_IFDIR : S_IFREG));
    return 0;
}

static int apply_link(struct model *m, const struct op *op)
{
    int status = check_dir(m, op->ino);

    if (status < 0)
        return status;
    if (!exists(m, op->ino2))
        return -ESTALE;
    if (is_dir(m, op->ino2))
        return -EPERM;
    if (m->inode[op->ino2].nlink == 0)
        return -ENOENT;
    if (model_find(m, op->ino, op->name))
        return -EEXIST;
    enter(m, op->ino, op->name, op->ino2);
    m->inode[op->ino2].nlink++;
    return 0;
}

static int apply_remove(struct model *m, const struct op *op)
{
    int status = check_dir(m, op->ino);
    struct model_name *n = status < 0 ? NULL : find(m, op->ino, op->name);

    if (!n)
        return status < 0 ? status : -ENOENT;
    if (op->type == OP_UNLINK && is_dir(m, n->ino))
        return -EISDIR;
    if (op->type == OP_RMDIR && !is_dir(m, n->ino))
        return -ENOTDIR;
    if (op->type == OP_RMDIR && !is_empty(m, n->ino))
        return -ENOTEMPTY;
    drop(m, n, op->hold);
    return 0;
}

static bool is_below(const struct model *m, uint64_t ino, uint64_t dir)
{
    while (ino != dir && ino != INO_ROOT)
        ino = m->inode[ino].parent;
    return ino == dir;
}

static void exchange(struct model *m, const struct op *op, uint64_t source, uint64_t target)
{
    leave(m, find(m, op->ino, op->name));
    leave(m, find(m, op->ino2, op->name2));
    enter(m, op->ino, op->name, target);
    enter(m, op->ino2, op->name2, source);
}

static int check_replace(const struct model *m, uint64_t source, uint64_t target)
{
    if (!is_dir(m, source) && is_dir(m, target))
        return -EISDIR;
    if (is_dir(m, source) && !is_dir(m, target))
        return -ENOTDIR;
    return is_dir(m, target) && !is_empty(m, target) ? -ENOTEMPTY : 0;
}

static int apply_rename(struct model *m, const struct op *op)
{
    int status = check_dir(m, op->ino);
    uint64_t source, target;

    if (status == 0)
        status = check_dir(m, op->ino2);
    if (status < 0)
        return status;
    source = model_find(m, op->ino, op->name);
    target = model_find(m, op->ino2, op->name2);
    if (!source)
        return -ENOENT;
    if (target && (op->flags & OP_NO_REPLACE))
        return -EEXIST;
    if (!target && (op->flags & OP_EXCHANGE))
        return -ENOENT;
    if (source == target)
        return 0;
    if (is_dir(m, source) && is_below(m, op->ino2, source))
        return -EINVAL;
    if (op->flags & OP_EXCHANGE) {
        if (is_dir(m, target) && is_below(m, op->ino, target))
            return -EINVAL;
        exchange(m, op, source, target);
        return 0;
    }
    status = target ? check_replace(m, source, target) : 0;
    if (status < 0)
        return status;
    if (target)
        drop(m, find(m, op->ino2, op->name2), op->hold);
    leave(m, find(m, op->ino, op->name));
    enter(m, op->ino2, op->name2, source);
    return 0;
}

/* The names of the workload differ in the first letter, or in being longer than it. */
static uint32_t xattr_bit(struct bytes name)
{
    return UINT32_C(1) << ((name.data[0] - 'a') * 2 + (name.len > 1));
}

static int apply_attr(struct model *m, const struct op *op)
{
    struct model_inode *inode = &m->inode[op->ino];
    uint32_t bit = xattr_bit(op->name);

    if (!exists(m, op->ino))
        return -ESTALE;
    if (op->type == OP_SETATTR)
        inode->mode = (inode->mode & S_IFMT) | op->mode;
    if (op->type == OP_SETXATTR && op->data.len > XATTR_VALUE_BYTES_MAX)
        return -E2BIG;
    if (op->type == OP_SETXATTR)
        inode->xattrs |= bit;
    if (op->type == OP_REMOVEXATTR && !(inode->xattrs & bit))
        return -ENODATA;
    if (op->type == OP_REMOVEXATTR)
        inode->xattrs &= ~bit;
    return 0;
}

static int apply_release(struct model *m, const struct op *op)
{
    if (!exists(m, op->ino))
        return -ESTALE;
    if (!m->inode[op->ino].held)
        return -EINVAL;
    unmake(m, op->ino);
    return 0;
}

int model_apply(struct model *m, const struct op *op)
{
    switch (op->type) {
    case OP_PUT:
        return apply_put(m, op);
    case OP_DELETE:
        return apply_delete(m, op);
    case OP_PUNCH:
        return apply_punch(m, op);
    case OP_CREATE:
    case OP_MKDIR:
        return apply_make(m, op);
    case OP_LINK:
        return apply_link(m, op);
    case OP_UNLINK:
    case OP_RMDIR:
        return apply_remove(m, op);
    case OP_RENAME:
        return apply_rename(m, op);
    case OP_SETATTR:
    case OP_SETXATTR:
    case OP_REMOVEXATTR:
        return apply_attr(m, op);
    case OP_RELEASE:
        return apply_release(m, op);
    default:
        return apply_data(m, op);
    }
}
