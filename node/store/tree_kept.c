/* Inodes that are gone but that a keeper still wants. Their rows move to a table of their own, with
 * the inline contents; their chunks are trash already, but data_reap leaves them alone meanwhile.
 * None of this is replicated: no command sees it, and no snapshot or digest contains it. */
#include "store/tree_internal.h"

#include <assert.h>
#include <errno.h>

void tree_keep(struct tree *tree, struct tree_keeper *keeper)
{
    assert(keeper->wants);
    LIST_INSERT_HEAD(&tree->keepers, keeper, entry);
}

void tree_keep_end(struct tree_keeper *keeper)
{
    LIST_REMOVE(keeper, entry);
}

bool kept_wanted(const struct tree *tree, uint64_t ino)
{
    struct tree_keeper *keeper;
    LIST_FOREACH(keeper, &tree->keepers, entry)
    {
        if (keeper->wants(keeper->arg, ino))
            return true;
    }
    return false;
}

int kept_add(struct change *c, const struct inode *inode)
{
    assert(!inode->kept);
    sqlite3_stmt *query = tree_query(c->tree, QUERY_KEPT_ADD);
    inode_bind(query, inode);
    c->tree->kept = true;
    return tree_run(c->tree, query);
}

int kept_get(struct tree *tree, uint64_t ino, struct inode *inode)
{
    if (!tree->kept)
        return -ESTALE;
    sqlite3_stmt *query = tree_query(tree, QUERY_KEPT);
    bind_number(query, 1, ino);
    int status = tree_step(tree, query);
    if (status <= 0)
        return status < 0 ? status : -ESTALE;
    inode_read(query, 0, inode);
    inode->kept = true;
    sqlite3_reset(query);
    return 0;
}

int tree_let_go(struct tree *tree, uint64_t ino)
{
    struct inode inode;
    int status = kept_get(tree, ino, &inode);
    if (status == -ESTALE || (status == 0 && kept_wanted(tree, ino)))
        return 0;
    if (status == 0)
        status = tree_begin(tree);
    if (status < 0)
        return status;
    tree->trash = true;
    sqlite3_stmt *query = tree_query(tree, QUERY_KEPT_DELETE);
    bind_number(query, 1, ino);
    status = tree_run(tree, query);
    return status < 0 || inode.data == 0 ? status
                                         : trash_reap_range(tree, chunk_id(inode.data, 0),
                                                            chunk_id(inode.data, CHUNK_NUMBER_MAX));
}
