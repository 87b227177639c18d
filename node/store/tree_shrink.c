/* Giving room back: pages of tree.db that hold nothing go back to the file system, a few at a time.
 * SQLite moves the last pages of the file to where there is room; the next checkpoint then cuts the
 * file. It can do so only in a file that was made for it (auto_vacuum): in one of an
 * earlier version these pages wait to be used again.
 *
 * Nothing is given back while the WAL, which this takes, is needed otherwise: by a reader, by a
 * view, or because the disk is nearly full. */
#include "store/tree_internal.h"

#include <assert.h>

enum {
    INCREMENTAL = 2,  /* PRAGMA auto_vacuum */
    SHRINK_SHARE = 4, /* of the file: so much may be free, to be used again */
};

int shrink_open(struct tree *tree)
{
    int64_t mode = 0;
    int status = sql_number(&tree->sql, "PRAGMA auto_vacuum", &mode);
    tree->shrinks = mode == INCREMENTAL;
    tree->shrunk = tree->compact = false;
    return status;
}

static bool may_shrink(const struct tree *tree)
{
    return tree->shrinks && !tree->broken && !tree->tight && !tree->pause && !tree->reading &&
           LIST_EMPTY(&tree->readers) && LIST_EMPTY(&tree->views) && !writer_installing(tree);
}

/* Each row is a page. */
static int shrink_some(struct tree *tree)
{
    int status = tree_begin(tree);
    if (status < 0)
        return status;
    sqlite3_stmt *query = tree_query(tree, QUERY_SHRINK);
    bool more = true;
    while (more) {
        status = tree_step(tree, query);
        more = status > 0;
        tree->changes += more;
    }
    tree->shrunk = true;
    return status;
}

int tree_shrink(struct tree *tree, uint64_t free_min)
{
    uint64_t pages = 0, free = 0;
    if (tree->compact || !may_shrink(tree))
        return tree->broken;
    int status = tree_count_pages(tree, QUERY_PAGES, &pages);
    if (status == 0)
        status = tree_count_pages(tree, QUERY_FREE_PAGES, &free);
    tree->compact = free < free_min || free < pages / SHRINK_SHARE;
    return status < 0 || tree->compact ? status : shrink_some(tree);
}

bool tree_has_shrunk(const struct tree *tree)
{
    return tree->shrunk;
}
