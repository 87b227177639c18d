#include "tree_model.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define TEN_SECONDS (UINT64_C(10) * 1000000000)

/* ---- Models ---- */

struct model *model_new(void)
{
    struct model *m = calloc(1, sizeof *m);
    m->inode[INO_ROOT] = (struct model_inode){
        .attr = {.ino = INO_ROOT, .mode = S_IFDIR | 0777, .nlink = 2}, .parent = INO_ROOT};
    m->inodes = INO_ROOT + 1;
    m->level = LEVEL_MIN;
    return m;
}

static void free_inode(struct model_inode *inode)
{
    free(inode->bytes);
    for (int i = 0; i < MODEL_XATTRS; i++) {
        if (inode->xattr[i])
            buffer_free(inode->xattr[i]);
        free(inode->xattr[i]);
    }
}

void model_free(struct model *m)
{
    for (uint64_t i = 0; i < m->inodes; i++)
        free_inode(&m->inode[i]);
    free(m);
}

static void copy_contents(struct model_inode *copy, const struct model_inode *inode)
{
    if (inode->bytes) {
        copy->bytes = calloc(1, WORKLOAD_FILE_MAX);
        memcpy(copy->bytes, inode->bytes, inode->attr.size);
    }
    for (int i = 0; i < MODEL_XATTRS; i++) {
        if (!inode->xattr[i])
            continue;
        copy->xattr[i] = calloc(1, sizeof *copy->xattr[i]);
        buffer_append(copy->xattr[i], inode->xattr[i]->data, inode->xattr[i]->len);
    }
}

static struct model *model_copy(const struct model *m)
{
    struct model *copy = malloc(sizeof *copy);
    memcpy(copy, m, sizeof *copy);
    for (uint64_t i = 0; i < m->inodes; i++)
        copy_contents(&copy->inode[i], &m->inode[i]);
    return copy;
}

/* ---- Inodes and names ---- */

struct model_name *model_name_of(struct model *m, uint64_t parent, struct bytes name)
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
    struct model_name *n = model_name_of((struct model *)m, parent, name);
    return n ? n->ino : 0;
}

bool model_exists(const struct model *m, uint64_t ino)
{
    return ino < m->inodes && m->inode[ino].attr.ino;
}

bool model_is_dir(const struct model *m, uint64_t ino)
{
    return S_ISDIR(m->inode[ino].attr.mode);
}

void model_claim(struct model *m, uint64_t ino)
{
    if (model_is_dir(m, ino))
        m->inode[ino].attr.rdev = 0;
}

int model_check_dir(const struct model *m, uint64_t ino)
{
    if (!model_exists(m, ino))
        return -ESTALE;
    if (!model_is_dir(m, ino))
        return -ENOTDIR;
    return m->inode[ino].attr.nlink == 0 ? -ENOENT : 0;
}

int model_check_file(const struct model *m, uint64_t ino)
{
    if (!model_exists(m, ino))
        return -ESTALE;
    if (model_is_dir(m, ino))
        return -EISDIR;
    return S_ISREG(m->inode[ino].attr.mode) ? 0 : -EINVAL;
}

/* By the number of its changes, not by what the clocks say. */
void model_touch(struct model *m, uint64_t ino)
{
    struct attr *attr = &m->inode[ino].attr;
    int64_t grown = attr->ctime + (attr->revision != m->applied + 1);
    attr->revision = m->applied + 1;
    attr->ctime = grown > (int64_t)m->time ? grown : (int64_t)m->time;
}

/* A time that is not earlier, but for this command's own, is of clocks that were ahead. */
void model_touch_contents(struct model *m, uint64_t ino)
{
    struct attr *attr = &m->inode[ino].attr;
    int64_t time = (int64_t)m->time;
    bool own = attr->mtime == time && attr->revision == m->applied + 1;
    bool ahead = attr->mtime >= time && !own;
    model_touch(m, ino);
    attr->mtime = ahead ? attr->ctime : time;
}

void model_replace(struct model *m, uint64_t ino, struct bytes data)
{
    struct model_inode *inode = &m->inode[ino];
    assert(data.len <= WORKLOAD_FILE_MAX);
    memset(inode->bytes, 0, inode->attr.size);
    if (data.len > 0)
        memcpy(inode->bytes, data.data, data.len);
    inode->attr.size = data.len;
    inode->chunks = S_ISREG(inode->attr.mode) && data.len > MODEL_INLINE_MAX;
    inode->attr.used = inode->chunks ? MODEL_USED_UNKNOWN : data.len;
    model_touch_contents(m, ino);
}

void model_enter(struct model *m, uint64_t parent, struct bytes name, uint64_t ino)
{
    struct model_name *n = m->name;
    while (n->ino)
        n++;
    assert(n < m->name + MODEL_NAMES);
    *n = (struct model_name){.parent = parent, .ino = ino};
    memcpy(n->name, name.data, name.len);
    m->inode[parent].attr.size++;
    if (model_is_dir(m, ino)) {
        m->inode[parent].attr.nlink++;
        m->inode[ino].parent = parent;
    }
    model_touch_contents(m, parent);
}

void model_leave(struct model *m, struct model_name *n)
{
    m->inode[n->parent].attr.size--;
    if (model_is_dir(m, n->ino))
        m->inode[n->parent].attr.nlink--;
    model_touch_contents(m, n->parent);
    n->ino = 0;
}

uint64_t model_make(struct model *m, uint64_t parent, struct bytes name, struct attr attr)
{
    uint64_t ino = m->inodes++;
    struct model_inode *inode = &m->inode[ino];
    const struct attr *dir = &m->inode[parent].attr;
    assert(ino < MODEL_INODES);
    inode->attr = (struct attr){
        .ino = ino, .mode = attr.mode, .uid = attr.uid, .gid = attr.gid, .rdev = attr.rdev};
    if (dir->mode & S_ISGID) {
        inode->attr.gid = dir->gid;
        inode->attr.mode |= S_ISDIR(attr.mode) ? S_ISGID : 0;
    }
    inode->attr.nlink = S_ISDIR(attr.mode) ? 2 : 1;
    inode->attr.atime = (int64_t)m->time;
    inode->bytes = S_ISDIR(attr.mode) ? NULL : calloc(1, WORKLOAD_FILE_MAX);
    model_touch_contents(m, ino);
    model_enter(m, parent, name, ino);
    return ino;
}

struct attr model_unmake(struct model *m, uint64_t ino)
{
    struct attr attr = m->inode[ino].attr;
    free_inode(&m->inode[ino]);
    m->inode[ino] = (struct model_inode){.attr = {0}};
    return attr;
}

struct attr model_drop(struct model *m, struct model_name *n, uint64_t hold)
{
    uint64_t ino = n->ino;
    struct model_inode *inode = &m->inode[ino];
    model_leave(m, n);
    inode->attr.nlink = model_is_dir(m, ino) ? 0 : inode->attr.nlink - 1;
    model_touch(m, ino);
    if (inode->attr.nlink > 0)
        return inode->attr;
    if (S_ISREG(inode->attr.mode))
        model_set_mortal(m, ino, 0, 0);
    if (hold == ino && inode->bound == 0) {
        inode->holder = m->node;
        return inode->attr;
    }
    inode->attr.used = 0;
    return model_unmake(m, ino);
}

uint32_t model_xattr(struct bytes name)
{
    return (uint32_t)(name.data[0] - 'a') * 2 + (name.len > 1);
}

/* ---- Commands ---- */

static int apply_level(struct model *m, const struct op *op, struct op_result *out)
{
    struct attr *root = &m->inode[INO_ROOT].attr;
    out->existed = op->size <= m->level;
    if (m->level == LEVEL_MIN && op->size >= LEVEL_RIGHTS && op->mode &&
        root->mode == (S_IFDIR | 0777) && root->uid == 0 && root->gid == 0) {
        root->mode = S_IFDIR | (op->mode & 07777);
        root->uid = op->uid;
        root->gid = op->gid;
        model_touch(m, INO_ROOT);
    }
    m->level = out->existed ? m->level : (uint32_t)op->size;
    return 0;
}

static int model_apply_op(struct model *m, const struct op *op, struct op_result *out)
{
    switch (op->type) {
    case OP_CREATE:
    case OP_MKNOD:
    case OP_MKDIR:
    case OP_SYMLINK:
    case OP_LINK:
    case OP_UNLINK:
    case OP_RMDIR:
    case OP_RENAME:
    case OP_RELEASE:
        return model_apply_name(m, op, out);
    case OP_LEVEL:
        return apply_level(m, op, out);
    case OP_EPHEMERAL:
    case OP_EPHEMERAL_END:
    case OP_END_SESSION:
        return model_apply_ephemeral(m, op, out);
    case OP_AS:
    case OP_TOKEN_ADD:
    case OP_TOKEN_REMOVE:
        return model_apply_rights(m, op, out);
    case OP_TTL:
    case OP_EXPIRE:
    case OP_LEASE:
    case OP_LEASE_RENEW:
    case OP_LEASE_END:
        return model_apply_mortal(m, op, out);
    default:
        return model_apply_data(m, op, out);
    }
}

/* A node that has started again holds nothing. */
static void begin_session(struct model *m, const struct stamp *stamp)
{
    if (stamp->incarnation == m->incarnation[stamp->node])
        return;
    m->incarnation[stamp->node] = stamp->incarnation;
    model_end_session(m, stamp->node);
    for (uint64_t i = 0; i < m->inodes; i++) {
        if (m->inode[i].holder == stamp->node)
            model_unmake(m, i);
    }
}

/* Gives the status; the result has the rest. */
static int apply_all(struct model *m, struct command_view *view, struct command_result *result)
{
    int status = 0;
    result->ops = calloc(view->count, sizeof *result->ops);
    result->count = view->count;
    for (uint32_t i = 0; status == 0 && i < view->count; i++) {
        struct op op;
        status = command_next(view, &op);
        assert(status == 0);
        m->first = i == 0;
        status = model_check_rights(m, &op);
        if (status == 0)
            status = model_apply_op(m, &op, &result->ops[i]);
        result->failed_op = status < 0 ? i : 0;
    }
    return status;
}

/* Time goes on by at least a nanosecond. From level 3 on it goes back where it was wrong. */
static uint64_t time_of(const struct model *m, uint64_t proposed)
{
    if (m->level >= 3 && m->last_time > proposed + TEN_SECONDS)
        return proposed;
    return proposed > m->last_time ? proposed : m->last_time + 1;
}

void model_apply(struct model **model, struct bytes entry, struct command_result *result)
{
    struct model *m = *model, *before;
    struct command_view view;
    int status = command_read(entry, &view);
    assert(status == 0);
    *result = (struct command_result){.revision = m->applied + 1};
    m->node = view.stamp.node;
    m->time = time_of(m, view.stamp.time);
    m->old = &result->old;
    m->checked = false;
    begin_session(m, &view.stamp);
    before = view.count > 1 ? model_copy(m) : NULL;
    result->status = apply_all(m, &view, result);
    if (result->status < 0) {
        uint32_t failed_op = result->failed_op;
        status = result->status;
        command_result_free(result);
        *result = (struct command_result){
            .status = status, .failed_op = failed_op, .revision = m->applied + 1};
    }
    if (before && status < 0) {
        model_free(m);
        *model = m = before;
    } else if (before) {
        model_free(before);
    }
    if (status == 0)
        m->last_time = m->time;
    m->applied++;
}
