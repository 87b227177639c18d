/* Ephemeral files: keys that go away with the session of a node (tree_locks.c).
 *
 * EPHEMERAL makes one, exclusively, and binds it to the session of the node that asks. Its inode is
 * what is bound: numbers of inodes are never used again, so whatever ends it can hit no later file
 * of that name. It ends, and is removed, with EPHEMERAL_END of its node, and with the session, in
 * the same entry.
 *
 * For everything else it is a file. A rename keeps it bound. Whatever removes its name ends it, and
 * then no node holds it, so that its descriptor is of no use from then on. It has one name: a
 * second one is refused, since all have to go in one entry. Like a key of PUT it leaves implied
 * directories implied, and takes them with it if it is their last one. */
#include "store/tree_internal.h"

#include <assert.h>
#include <errno.h>

/* ---- Rows; tree->ephemerals follows ---- */

struct ephemeral {
    uint64_t ino, waiter;
    uint32_t node;
};

static void ephemeral_read(sqlite3_stmt *query, struct ephemeral *found)
{
    *found = (struct ephemeral){.ino = column_number(query, 0),
                                .node = (uint32_t)column_number(query, 1),
                                .waiter = column_number(query, 2)};
}

/* 1 and the first row, 0 or an error. */
static int ephemeral_find(struct tree *tree, enum tree_query number, uint64_t key,
                          struct ephemeral *found)
{
    if (tree->ephemerals == 0)
        return 0;
    sqlite3_stmt *query = tree_query(tree, number);
    bind_number(query, 1, key);
    int status = tree_step(tree, query);
    if (status <= 0)
        return status;
    ephemeral_read(query, found);
    sqlite3_reset(query);
    return 1;
}

int ephemerals_load(struct tree *tree)
{
    sqlite3_stmt *query = tree_query(tree, QUERY_EPHEMERAL_COUNT);
    int status = tree_step(tree, query);
    if (status > 0) {
        tree->ephemerals = column_number(query, 0);
        sqlite3_reset(query);
    }
    return status < 0 ? status : 0;
}

static int ephemeral_add(struct change *c, const struct inode *inode, uint64_t waiter)
{
    sqlite3_stmt *query = tree_query(c->tree, QUERY_EPHEMERAL_ADD);
    bind_number(query, 1, inode->attr.ino);
    bind_number(query, 2, c->node);
    bind_number(query, 3, waiter);
    c->tree->ephemerals++;
    return tree_run(c->tree, query);
}

int ephemeral_forget(struct change *c, const struct inode *inode)
{
    struct ephemeral found;
    int status = 0;
    if (inode_is(inode, S_IFREG))
        status = ephemeral_find(c->tree, QUERY_EPHEMERAL, inode->attr.ino, &found);
    if (status <= 0)
        return status;
    sqlite3_stmt *query = tree_query(c->tree, QUERY_EPHEMERAL_DELETE);
    bind_number(query, 1, inode->attr.ino);
    assert(c->tree->ephemerals > 0);
    c->tree->ephemerals--;
    status = tree_run(c->tree, query);
    return status < 0 ? status : 1;
}

/* ---- Its end ---- */

/* As DELETE of its key. */
static int ephemeral_remove(struct change *c, uint64_t ino)
{
    struct inode inode, dir;
    struct way way;
    int status = inode_get(c->tree, ino, &inode);
    if (status == 0)
        status = way_first(c->tree, ino, &way);
    if (status == 0)
        status = inode_get(c->tree, way.parent, &dir);
    if (status == -ESTALE || status == -ENOENT)
        return tree_damaged(c->tree, "an ephemeral file has no name");
    struct bytes name = bytes_of(way.name, way.len);
    if (status == 0)
        status = changes_keep_name(c, &name);
    if (status == 0)
        status = name_remove(c, &dir, name, &inode, 0);
    return status < 0 ? status : implied_prune(c, &dir);
}

int ephemerals_end(struct change *c, uint32_t node)
{
    struct ephemeral found;
    int status;
    while ((status = ephemeral_find(c->tree, QUERY_EPHEMERAL_OF_NODE, node, &found)) > 0) {
        status = ephemeral_remove(c, found.ino);
        if (status < 0)
            return status;
    }
    return status;
}

int op_ephemeral_end(struct change *c, const struct op *op, struct op_result *out)
{
    struct ephemeral found;
    int status = ephemeral_find(c->tree, QUERY_EPHEMERAL, op->ino, &found);
    if (status <= 0 || found.node != c->node)
        return status < 0 ? status : 0;
    out->existed = true;
    return ephemeral_remove(c, op->ino);
}

/* ---- Its beginning ---- */

/* Whether the name is free, and one more can be bound: 0, -EBUSY (it is one's that is bound),
 * -EEXIST, -EDQUOT, or an error of name_parent. */
static int ephemeral_check(struct change *c, const struct op *op, struct inode *dir)
{
    struct inode existing;
    struct ephemeral found;
    int status = name_parent(c->tree, op->ino, op->name, dir);
    if (status < 0)
        return status;
    status = name_lookup(c->tree, op->ino, op->name, &existing);
    if (status == -ENOENT)
        return c->tree->ephemerals < EPHEMERALS_MAX ? 0 : -EDQUOT;
    if (status == 0)
        status = ephemeral_find(c->tree, QUERY_EPHEMERAL, existing.attr.ino, &found);
    if (status < 0)
        return status;
    return status > 0 ? -EBUSY : -EEXIST;
}

int op_ephemeral(struct change *c, const struct op *op, struct op_result *out)
{
    struct inode dir, inode = {.attr = {.uid = op->uid, .gid = op->gid}};
    int status = ephemeral_check(c, op, &dir);
    if (status == 0)
        status = session_ensure(c, &out->offset);
    if (status < 0)
        return status;
    inode.attr.mode = (op->mode & 07777) | S_IFREG;
    status = name_make(c, &dir, op->name, &inode, (struct bytes){0});
    if (status == 0)
        status = ephemeral_add(c, &inode, op->waiter);
    out->attr = inode.attr;
    changes_add(c, &(struct tree_change){.kind = CHANGE_EPHEMERAL,
                                         .ino = inode.attr.ino,
                                         .node = c->node,
                                         .waiter = op->waiter});
    return status;
}

/* ---- For doors ---- */

bool tree_is_ephemeral(struct tree *tree, uint64_t ino)
{
    struct ephemeral found;
    return ephemeral_find(tree, QUERY_EPHEMERAL, ino, &found) > 0;
}

int tree_ephemerals(struct tree *tree, uint32_t node, tree_ephemeral_cb *each, void *arg)
{
    sqlite3_stmt *query = tree_query(tree, QUERY_EPHEMERAL_OF_NODE);
    int status;
    bind_number(query, 1, node);
    while ((status = tree_step(tree, query)) > 0) {
        struct ephemeral found;
        ephemeral_read(query, &found);
        if (!each(arg, found.ino, found.waiter)) {
            sqlite3_reset(query);
            return 0;
        }
    }
    return status;
}
