/* Trash: ranges of chunks that belong to no file any more. They are removed piece by piece, as
 * removing many at once would hold up the loop. How far that has got is not replicated.
 *
 * A range is all chunks of contents that were given up, or those behind a cut; either goes to the
 * last chunk that there could be. */
#include "store/tree_internal.h"

#include <assert.h>

int trash_add(struct tree *tree, uint64_t first, uint64_t last)
{
    assert(first <= last);
    sqlite3_stmt *query = tree_query(tree, QUERY_TRASH_ADD);
    bind_number(query, 1, first);
    bind_number(query, 2, last);
    tree->trash = true;
    return tree_run(tree, query);
}

/* The range has no chunks any more. */
static int trash_forget(struct tree *tree, uint64_t first)
{
    sqlite3_stmt *query = tree_query(tree, QUERY_TRASH_DELETE);
    bind_number(query, 1, first);
    return tree_run(tree, query);
}

/* Reads a range that a query has found: 1, 0 for none, or an error. */
static int range_found(struct tree *tree, sqlite3_stmt *query, uint64_t *first, uint64_t *last)
{
    int status = tree_step(tree, query);
    if (status <= 0)
        return status;
    *first = column_number(query, 0);
    *last = column_number(query, 1);
    sqlite3_reset(query);
    return 1;
}

int trash_reap_range(struct tree *tree, uint64_t first, uint64_t last)
{
    assert(first <= last);
    sqlite3_stmt *reap = tree_query(tree, QUERY_TRASH_REAP);
    bind_number(reap, 1, first);
    bind_number(reap, 2, last);
    bind_number(reap, 3, REAP_CHUNKS);
    int status = tree_run(tree, reap);
    if (status < 0 || sqlite3_changes(tree->sql.db) == REAP_CHUNKS)
        return status;
    return trash_forget(tree, first);
}

int data_reap(struct tree *tree)
{
    uint64_t first, last;
    int status = range_found(tree, tree_query(tree, QUERY_TRASH_FIRST), &first, &last);
    if (status > 0)
        return trash_reap_range(tree, first, last);
    tree->trash = false;
    return status;
}

int trash_clear(struct tree *tree, uint64_t from, uint64_t to)
{
    assert(from <= to);
    int status = 0;
    if (!tree->trash)
        return 0;
    sqlite3_stmt *within = tree_query(tree, QUERY_TRASH_WITHIN);
    sqlite3_stmt *delete = tree_query(tree, QUERY_CHUNK_DELETE);
    uint64_t first, last;
    while (status == 0) {
        bind_number(within, 1, from);
        bind_number(within, 2, to);
        status = range_found(tree, within, &first, &last);
        if (status <= 0)
            return status;
        assert(first <= last);
        bind_number(delete, 1, first);
        bind_number(delete, 2, to);
        status = tree_run(tree, delete);
        if (status == 0)
            status = trash_forget(tree, first);
        if (status == 0 && last > to)
            status = trash_add(tree, to + 1, last);
    }
    return status;
}
