/* Inodes: their rows, and how an inode goes away. */
#include "store/tree_internal.h"

#include <assert.h>
#include <errno.h>

#define READ_NUMBER(name, member, format)                                                          \
    inode->member = (__typeof__(inode->member))sqlite3_column_int64(statement, column++);

void inode_read(sqlite3_stmt *statement, int column, struct inode *inode)
{
    inode->attr.ino = column_number(statement, column++);
    INODE_NUMBERS(READ_NUMBER, READ_NUMBER);
    inode->kept = false;
    assert(inode->attr.ino >= INO_ROOT);
}

#define BIND_NUMBER(name, member, format)                                                          \
    sqlite3_bind_int64(statement, ++parameter, (int64_t)inode->member);

void inode_bind(sqlite3_stmt *statement, const struct inode *inode)
{
    int parameter = 0;
    INODE_NUMBERS(BIND_NUMBER, BIND_NUMBER);
    assert(!statement || parameter < sqlite3_bind_parameter_count(statement));
    bind_number(statement, sqlite3_bind_parameter_count(statement), inode->attr.ino);
}

int inode_get(struct tree *tree, uint64_t ino, struct inode *inode)
{
    if (cache_find_inode(tree->cache, ino, inode))
        return 0;
    sqlite3_stmt *query = tree_query(tree, QUERY_INODE);
    bind_number(query, 1, ino);
    int status = tree_step(tree, query);
    if (status <= 0)
        return status < 0 ? status : -ESTALE;
    inode_read(query, 0, inode);
    sqlite3_reset(query);
    cache_inode(tree->cache, inode);
    return 0;
}

/* An inode's ctime only grows, whatever became of the clocks: if the command's time is not later,
 * it is the next nanosecond. A command changes it once, however many of its operations write it. */
static void inode_change(const struct change *c, struct inode *inode)
{
    int64_t time = (int64_t)c->time, next = inode->attr.ctime;
    if (inode->attr.revision == c->revision)
        return;
    next += next < INT64_MAX; /* which only a damaged row has */
    inode->attr.revision = c->revision;
    inode->attr.ctime = time > next ? time : next;
}

/* The ctime is the command's time, unless that of before is of a time when the clocks were ahead.
 * Then an mtime that is as late grows with it. An earlier one, which somebody has set right, grows
 * by the command's time. */
void inode_touch(const struct change *c, struct inode *inode)
{
    int64_t time = (int64_t)c->time;
    bool touched = inode->attr.mtime == time && inode->attr.revision == c->revision;
    inode_change(c, inode);
    inode->attr.mtime = touched || inode->attr.mtime < time ? time : inode->attr.ctime;
}

/* All writes of inodes come here, so revision, ctime and the cache are right. `contents` counts
 * only for the queries that write `inline`. */
static int inode_write(struct change *c, enum tree_query which, struct inode *inode,
                       struct bytes contents)
{
    assert(inode->attr.ino >= INO_ROOT);
    assert(c->tree->writing);
    assert(!inode->kept);
    inode_change(c, inode);
    cache_inode(c->tree->cache, inode);
    if (inode_is_mortal(inode) && mortal_stir(c->tree, inode->attr.ino) < 0)
        return c->tree->broken;
    sqlite3_stmt *query = tree_query(c->tree, which);
    inode_bind(query, inode);
    if (which == QUERY_INODE_ADD || which == QUERY_INODE_SET_INLINE) /* before `ino` */
        sql_bind_bytes(query, sqlite3_bind_parameter_count(query) - 1, contents);
    return tree_run(c->tree, query);
}

/* Binds a way (tree_ways.c); its first parameter comes `before` the last one by so many. */
static void bind_way(sqlite3_stmt *query, int before, uint64_t parent, struct bytes name)
{
    int at = sqlite3_bind_parameter_count(query) - before;
    bind_number(query, at, parent);
    sql_bind_bytes(query, at + 1, name);
}

int inode_add(struct change *c, struct inode *inode, struct bytes contents, uint64_t parent,
              struct bytes name)
{
    assert(inode->attr.nlink > 0);
    inode->attr.ino = c->tree->counters.next_ino++;
    inode->attr.atime = (int64_t)c->time;
    inode_touch(c, inode);
    c->tree->counters.inodes++;
    sqlite3_stmt *query = tree_query(c->tree, QUERY_INODE_ADD);
    bind_way(query, 3, parent, name);
    return inode_write(c, QUERY_INODE_ADD, inode, contents);
}

int inode_set(struct change *c, struct inode *inode)
{
    return inode_write(c, QUERY_INODE_SET, inode, (struct bytes){0});
}

int inode_set_name(struct change *c, struct inode *inode, uint64_t parent, struct bytes name)
{
    sqlite3_stmt *query = tree_query(c->tree, QUERY_INODE_SET_NAME);
    bind_way(query, 2, parent, name);
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

void inode_kill_priv(struct inode *inode, const struct op *op)
{
    if (!(op->flags & OP_KILL_PRIV) || inode_is(inode, S_IFDIR))
        return;
    inode->attr.mode &= ~(uint32_t)S_ISUID;
    if ((inode->attr.mode & S_IXGRP) || op->outsider)
        inode->attr.mode &= ~(uint32_t)S_ISGID;
}

/* No name leads to the inode and no node holds it. If a keeper wants it, its row and contents stay,
 * for reading only. */
static int inode_free(struct change *c, struct inode *inode)
{
    int status = 0;
    bool kept = kept_wanted(c->tree, inode->attr.ino);
    assert(inode->attr.ino != INO_ROOT);
    assert(c->tree->counters.inodes > 1);
    inode_change(c, inode);
    if (kept)
        status = kept_add(c, inode);
    if (status == 0)
        status = kept ? data_drop_later(c, inode) : data_drop(c, inode);
    if (status == 0)
        status = ways_clear(c->tree, inode->attr.ino);
    if (status == 0)
        status = mortal_forget(c, inode);
    if (status < 0)
        return status;
    sqlite3_stmt *xattrs = tree_query(c->tree, QUERY_XATTR_CLEAR);
    bind_number(xattrs, 1, inode->attr.ino);
    status = tree_run(c->tree, xattrs);
    if (status < 0)
        return status;
    c->tree->counters.inodes--;
    cache_forget_inode(c->tree->cache, inode->attr.ino);
    status = locks_clear(c, inode->attr.ino);
    if (status < 0)
        return status;
    sqlite3_stmt *row = tree_query(c->tree, QUERY_INODE_DELETE);
    bind_number(row, 1, inode->attr.ino);
    return tree_run(c->tree, row);
}

int inode_unlink(struct change *c, struct inode *inode, uint64_t hold)
{
    assert(inode->attr.nlink > 0);
    assert(inode->attr.ino != INO_ROOT);
    inode->attr.nlink = inode_is(inode, S_IFDIR) ? 0 : inode->attr.nlink - 1;
    if (inode->attr.nlink > 0)
        return inode_set(c, inode);
    int bound = ephemeral_forget(c, inode);
    if (bound < 0)
        return bound;
    if (bound || hold != inode->attr.ino) /* what is written to a bound file goes with its name */
        return inode_free(c, inode);
    sqlite3_stmt *query = tree_query(c->tree, QUERY_HELD_ADD);
    bind_number(query, 1, c->node);
    bind_number(query, 2, inode->attr.ino);
    int status = tree_run(c->tree, query);
    if (status == 0)
        status = mortal_forget(c, inode);
    return status < 0 ? status : inode_set(c, inode);
}

/* The node does not hold the inode any more. */
static int held_delete(struct tree *tree, uint32_t node, uint64_t ino, bool *was_held)
{
    sqlite3_stmt *query = tree_query(tree, QUERY_HELD_DELETE);
    bind_number(query, 1, node);
    bind_number(query, 2, ino);
    int status = tree_run(tree, query);
    *was_held = status == 0 && sqlite3_changes(tree->sql.db) > 0;
    return status;
}

/* 1 and an inode that the node holds, 0 if it holds none, or an error. */
static int held_first(struct tree *tree, uint32_t node, uint64_t *ino)
{
    sqlite3_stmt *query = tree_query(tree, QUERY_HELD_FIRST);
    bind_number(query, 1, node);
    int status = tree_step(tree, query);
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
        if (status < 0)
            return status;
        assert(inode.attr.nlink == 0);
        status = inode_free(c, &inode);
        if (status < 0)
            return status;
    }
    return status;
}

int op_release(struct change *c, const struct op *op, struct op_result *out)
{
    struct inode inode;
    int status = inode_get(c->tree, op->ino, &inode);
    if (status < 0)
        return status;
    bool was_held;
    status = held_delete(c->tree, c->node, op->ino, &was_held);
    if (status < 0)
        return status;
    if (!was_held)
        return -EINVAL;
    assert(inode.attr.nlink == 0); /* only such inodes are held */
    out->attr = inode.attr;
    return inode_free(c, &inode);
}
