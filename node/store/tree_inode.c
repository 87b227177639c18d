/* Inodes: rows, and how one goes away. */
#include "store/tree_internal.h"

#include <assert.h>
#include <errno.h>

void inode_read(sqlite3_stmt *statement, int column, struct inode *inode)
{
    struct attr *attr = &inode->attr;

    attr->ino = column_number(statement, column);
    attr->mode = (uint32_t)column_number(statement, column + 1);
    attr->nlink = (uint32_t)column_number(statement, column + 2);
    attr->uid = (uint32_t)column_number(statement, column + 3);
    attr->gid = (uint32_t)column_number(statement, column + 4);
    attr->rdev = (uint32_t)column_number(statement, column + 5);
    attr->size = column_number(statement, column + 6);
    attr->used = column_number(statement, column + 7);
    attr->revision = column_number(statement, column + 8);
    attr->atime = sqlite3_column_int64(statement, column + 9);
    attr->mtime = sqlite3_column_int64(statement, column + 10);
    attr->ctime = sqlite3_column_int64(statement, column + 11);
    inode->parent = column_number(statement, column + 12);
    inode->data = column_number(statement, column + 13);
    inode->kept = false;
}

static void inode_bind(sqlite3_stmt *statement, const struct inode *inode)
{
    const struct attr *attr = &inode->attr;

    bind_number(statement, 1, attr->ino);
    bind_number(statement, 2, attr->mode);
    bind_number(statement, 3, attr->nlink);
    bind_number(statement, 4, attr->uid);
    bind_number(statement, 5, attr->gid);
    bind_number(statement, 6, attr->rdev);
    bind_number(statement, 7, attr->size);
    bind_number(statement, 8, attr->used);
    bind_number(statement, 9, attr->revision);
    sqlite3_bind_int64(statement, 10, attr->atime);
    sqlite3_bind_int64(statement, 11, attr->mtime);
    sqlite3_bind_int64(statement, 12, attr->ctime);
    bind_number(statement, 13, inode->parent);
    bind_number(statement, 14, inode->data);
}

int inode_get(struct tree *tree, uint64_t ino, struct inode *inode)
{
    sqlite3_stmt *query = tree_query(tree, QUERY_INODE);
    int status;

    if (cache_find_inode(tree->cache, ino, inode))
        return 0;
    bind_number(query, 1, ino);
    status = tree_step(tree, query);
    if (status <= 0)
        return status < 0 ? status : -ESTALE;
    inode_read(query, 0, inode);
    sqlite3_reset(query);
    cache_inode(tree->cache, inode);
    return 0;
}

static int inode_write(struct change *c, enum tree_query which, struct inode *inode,
                       struct bytes contents)
{
    sqlite3_stmt *query = tree_query(c->tree, which);

    assert(inode->attr.ino >= INO_ROOT);
    inode->attr.revision = c->revision;
    inode->attr.ctime = c->time;
    cache_inode(c->tree->cache, inode);
    inode_bind(query, inode);
    if (which == QUERY_INODE_ADD || which == QUERY_INODE_SET_INLINE)
        sql_bind_bytes(query, 15, contents);
    return tree_run(c->tree, query);
}

int inode_add(struct change *c, struct inode *inode, struct bytes contents, uint64_t parent,
              struct bytes name)
{
    sqlite3_stmt *query = tree_query(c->tree, QUERY_INODE_ADD);

    inode->attr.ino = c->tree->counters.next_ino++;
    inode->attr.atime = c->time;
    inode->attr.mtime = c->time;
    c->tree->counters.inodes++;
    bind_number(query, 16, parent);
    sql_bind_bytes(query, 17, name);
    return inode_write(c, QUERY_INODE_ADD, inode, contents);
}

int inode_set(struct change *c, struct inode *inode)
{
    return inode_write(c, QUERY_INODE_SET, inode, (struct bytes){0});
}

int inode_set_name(struct change *c, struct inode *inode, uint64_t parent, struct bytes name)
{
    sqlite3_stmt *query = tree_query(c->tree, QUERY_INODE_SET_NAME);

    bind_number(query, 15, parent);
    sql_bind_bytes(query, 16, name);
    return inode_write(c, QUERY_INODE_SET_NAME, inode, (struct bytes){0});
}

int inode_set_inline(struct change *c, struct inode *inode, struct bytes contents)
{
    assert(contents.len <= INLINE_BYTES_MAX || inode_is(inode, S_IFLNK));
    return inode_write(c, QUERY_INODE_SET_INLINE, inode, contents);
}

void inode_set_used(struct change *c, struct inode *inode, uint64_t used)
{
    assert(c->tree->counters.bytes >= inode->attr.used);
    c->tree->counters.bytes += used - inode->attr.used;
    inode->attr.used = used;
}

void inode_kill_priv(struct inode *inode)
{
    if (inode_is(inode, S_IFDIR))
        return;
    inode->attr.mode &= ~(uint32_t)S_ISUID;
    if (inode->attr.mode & S_IXGRP)
        inode->attr.mode &= ~(uint32_t)S_ISGID;
}

static int inode_free(struct change *c, struct inode *inode)
{
    sqlite3_stmt *xattrs = tree_query(c->tree, QUERY_XATTR_CLEAR);
    sqlite3_stmt *row = tree_query(c->tree, QUERY_INODE_DELETE);
    int status = 0;
    bool kept = kept_wanted(c->tree, inode->attr.ino);

    assert(inode->attr.ino != INO_ROOT);
    assert(c->tree->counters.inodes > 1);
    if (kept)
        status = kept_add(c, inode);
    if (status == 0)
        status = kept ? data_drop_later(c, inode) : data_drop(c, inode);
    if (status == 0)
        status = ways_clear(c->tree, inode->attr.ino);
    if (status < 0)
        return status;
    bind_number(xattrs, 1, inode->attr.ino);
    status = tree_run(c->tree, xattrs);
    if (status < 0)
        return status;
    c->tree->counters.inodes--;
    cache_forget_inode(c->tree->cache, inode->attr.ino);
    bind_number(row, 1, inode->attr.ino);
    return tree_run(c->tree, row);
}

int inode_unlink(struct change *c, struct inode *inode, uint64_t hold)
{
    sqlite3_stmt *query = tree_query(c->tree, QUERY_HELD_ADD);
    int status;

    assert(inode->attr.nlink > 0);
    inode->attr.nlink = inode_is(inode, S_IFDIR) ? 0 : inode->attr.nlink - 1;
    if (inode->attr.nlink > 0)
        return inode_set(c, inode);
    if (hold != inode->attr.ino) {
        inode->attr.revision = c->revision;
        inode->attr.ctime = c->time;
        return inode_free(c, inode);
    }
    bind_number(query, 1, c->node);
    bind_number(query, 2, inode->attr.ino);
    status = tree_run(c->tree, query);
    return status < 0 ? status : inode_set(c, inode);
}

static int held_delete(struct tree *tree, uint32_t node, uint64_t ino, bool *was_held)
{
    sqlite3_stmt *query = tree_query(tree, QUERY_HELD_DELETE);
    int status;

    bind_number(query, 1, node);
    bind_number(query, 2, ino);
    status = tree_run(tree, query);
    *was_held = status == 0 && sqlite3_changes(tree->sql.db) > 0;
    return status;
}

static int held_first(struct tree *tree, uint32_t node, uint64_t *ino)
{
    sqlite3_stmt *query = tree_query(tree, QUERY_HELD_FIRST);
    int status;

    bind_number(query, 1, node);
    status = tree_step(tree, query);
    if (status <= 0)
        return status;
    *ino = column_number(query, 0);
    sqlite3_reset(query);
    return 1;
}

int inode_release_all(struct change *c, uint32_t node)
{
    uint64_t ino;
    int status;

    while ((status = held_first(c->tree, node, &ino)) > 0) {
        struct inode inode;
        bool was_held;
        status = inode_get(c->tree, ino, &inode);
        if (status == -ESTALE)
            status = tree_damaged(c->tree, "an inode that is held does not exist");
        if (status == 0)
            status = held_delete(c->tree, node, ino, &was_held);
        if (status == 0)
            status = inode_free(c, &inode);
        if (status < 0)
            return status;
    }
    return status;
}

int op_release(struct change *c, const struct op *op, struct op_result *out)
{
    struct inode inode;
    bool was_held;
    int status = inode_get(c->tree, op->ino, &inode);

    if (status < 0)
        return status;
    status = held_delete(c->tree, c->node, op->ino, &was_held);
    if (status < 0)
        return status;
    if (!was_held)
        return -EINVAL;
    out->attr = inode.attr;
    return inode_free(c, &inode);
}
