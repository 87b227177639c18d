/* Attributes and extended attributes. */
#include "store/tree_internal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* chmod(2), chown(2), utimensat(2) in one. A mode that is set explicitly stays as it is. */
int op_setattr(struct change *c, const struct op *op, struct op_result *out)
{
    struct inode inode;
    int status = inode_get(c->tree, op->ino, &inode);
    if (status < 0)
        return status;
    inode_claim(&inode);
    if (op->flags & OP_KILL_PRIV)
        inode_kill_priv(&inode);
    if (op->flags & OP_SET_MODE)
        inode.attr.mode = (inode.attr.mode & S_IFMT) | (op->mode & 07777);
    if (op->flags & OP_SET_UID)
        inode.attr.uid = op->uid;
    if (op->flags & OP_SET_GID)
        inode.attr.gid = op->gid;
    if (op->flags & OP_SET_MTIME)
        inode.attr.mtime = op->mtime;
    if (op->flags & OP_SET_MTIME_NOW)
        inode.attr.mtime = c->time;
    if (op->flags & OP_SET_ATIME)
        inode.attr.atime = op->atime;
    if (op->flags & OP_SET_ATIME_NOW)
        inode.attr.atime = c->time;
    status = inode_set(c, &inode);
    change_inode(c, CHANGE_ATTRIBUTES, &inode);
    out->attr = inode.attr;
    return status;
}

/* The errors of setxattr(2), getxattr(2) and removexattr(2). */
static int check_xattr_name(struct bytes name)
{
    if (name.len == 0 || name.len > XATTR_NAME_BYTES_MAX)
        return -ERANGE;
    return memchr(name.data, 0, name.len) ? -EINVAL : 0;
}

/* 0 or -ENODATA. The value, in column 0, is valid until the caller resets the query. */
static int xattr_find(struct tree *tree, uint64_t ino, struct bytes name, sqlite3_stmt **query)
{
    assert(name.len > 0 && name.len <= XATTR_NAME_BYTES_MAX);
    *query = tree_query(tree, QUERY_XATTR);
    bind_number(*query, 1, ino);
    sql_bind_bytes(*query, 2, name);
    int status = tree_step(tree, *query);
    if (status <= 0)
        return status < 0 ? status : -ENODATA;
    return 0;
}

static int xattr_exists(struct tree *tree, uint64_t ino, struct bytes name)
{
    sqlite3_stmt *query;
    int status = xattr_find(tree, ino, name, &query);
    sqlite3_reset(query);
    return status;
}

/* Whether there is room beside the inode's other attributes: 0 or -ENOSPC. */
static int check_xattr_room(struct tree *tree, const struct op *op)
{
    sqlite3_stmt *query = tree_query(tree, QUERY_XATTR_SUM);
    bind_number(query, 1, op->ino);
    sql_bind_bytes(query, 2, op->name);
    int status = tree_step(tree, query);
    if (status < 0)
        return status;
    uint64_t names = column_number(query, 0) + op->name.len + 1;
    uint64_t values = column_number(query, 1) + op->data.len;
    sqlite3_reset(query);
    return names > XATTR_NAMES_MAX || names + values > XATTR_BYTES_MAX ? -ENOSPC : 0;
}

/* All that setxattr(2) can refuse, before anything changes. */
static int check_setxattr(struct change *c, const struct op *op)
{
    int status = check_xattr_name(op->name);
    if (status < 0)
        return status;
    if (op->data.len > XATTR_VALUE_BYTES_MAX)
        return -E2BIG;
    status = xattr_exists(c->tree, op->ino, op->name);
    if (status == 0 && (op->flags & OP_XATTR_CREATE))
        return -EEXIST;
    if (status == -ENODATA && !(op->flags & OP_XATTR_REPLACE))
        status = 0;
    return status < 0 ? status : check_xattr_room(c->tree, op);
}

int op_setxattr(struct change *c, const struct op *op, struct op_result *out)
{
    struct inode inode;
    int status = inode_get(c->tree, op->ino, &inode);
    if (status == 0)
        status = check_setxattr(c, op);
    if (status < 0)
        return status;
    sqlite3_stmt *query = tree_query(c->tree, QUERY_XATTR_SET);
    bind_number(query, 1, op->ino);
    sql_bind_bytes(query, 2, op->name);
    sql_bind_bytes(query, 3, op->data);
    status = tree_run(c->tree, query);
    inode_claim(&inode);
    if (status == 0)
        status = inode_set(c, &inode);
    change_inode(c, CHANGE_ATTRIBUTES, &inode);
    out->attr = inode.attr;
    return status;
}

int op_removexattr(struct change *c, const struct op *op, struct op_result *out)
{
    struct inode inode;
    int status = inode_get(c->tree, op->ino, &inode);
    if (status == 0)
        status = check_xattr_name(op->name);
    if (status == 0)
        status = xattr_exists(c->tree, op->ino, op->name);
    if (status < 0)
        return status;
    sqlite3_stmt *query = tree_query(c->tree, QUERY_XATTR_DELETE);
    bind_number(query, 1, op->ino);
    sql_bind_bytes(query, 2, op->name);
    status = tree_run(c->tree, query);
    inode_claim(&inode);
    if (status == 0)
        status = inode_set(c, &inode);
    change_inode(c, CHANGE_ATTRIBUTES, &inode);
    out->attr = inode.attr;
    return status;
}

int tree_getxattr(struct tree *tree, uint64_t ino, struct bytes name, struct buffer *out)
{
    struct inode inode;
    int status = inode_find(tree, ino, &inode);
    if (status == 0)
        status = check_xattr_name(name);
    if (status < 0)
        return status;
    sqlite3_stmt *query;
    status = xattr_find(tree, ino, name, &query);
    if (status < 0)
        return status;
    struct bytes value = sql_column_bytes(query, 0);
    buffer_append(out, value.data, value.len);
    sqlite3_reset(query);
    return out->failed ? -ENOMEM : 0;
}

int tree_listxattr(struct tree *tree, uint64_t ino, struct buffer *out)
{
    struct inode inode;
    int status = inode_find(tree, ino, &inode);
    if (status < 0)
        return status;
    sqlite3_stmt *query = tree_query(tree, QUERY_XATTR_LIST);
    bind_number(query, 1, ino);
    while ((status = tree_step(tree, query)) > 0) {
        struct bytes name = sql_column_bytes(query, 0);
        buffer_append(out, name.data, name.len);
        buffer_put_u8(out, 0);
    }
    if (status < 0)
        return status;
    return out->failed ? -ENOMEM : 0;
}
