/* Views: the tree as it is at one applied index, for reading on the loop while later entries are
 * applied.
 *
 * A view is a tree of its own, whose connection has a read transaction open; so what reads a tree
 * reads a view as well. It has no cache: a row that was used lately is of another moment. */
#include "store/tree_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct tree_view {
    LIST_ENTRY(tree_view) entry; /* among the tree's, until it is ended */
    struct tree tree;
};

/* Begins the transaction; it sees what is committed now, and nothing later. */
static int view_begin(struct tree *tree)
{
    int64_t applied = 0;
    int status = sql_exec(&tree->sql, "PRAGMA cache_size = -1024; BEGIN");
    if (status == 0)
        status = sql_number(&tree->sql, "SELECT applied FROM meta", &applied);
    tree->counters.applied = (uint64_t)applied;
    return status;
}

static void view_finish(struct tree *tree)
{
    for (int i = 0; i < QUERY_COUNT; i++)
        sqlite3_finalize(tree->queries[i]);
    sql_close(&tree->sql);
}

/* Most likely no descriptor or no memory is left; the tree goes on without the view. But damage is
 * damage, whoever finds it. */
static int view_failed(struct tree_view *view, int status)
{
    if (status == -EUCLEAN)
        tree_break(&view->tree, status);
    view_finish(&view->tree);
    free(view);
    return status == -EUCLEAN ? status : -EBUSY;
}

int tree_view_open(struct tree *tree, struct tree_view **out)
{
    int status = tree_commit(tree);
    if (status < 0)
        return status;
    struct tree_view *view = calloc(1, sizeof *view);
    if (!view)
        return -EBUSY;
    view->tree.viewed = tree;
    status = sql_open(&view->tree.sql, tree->folder, TREE_FILE);
    if (status == 0)
        status = view_begin(&view->tree);
    if (status < 0)
        return view_failed(view, status);
    assert(view->tree.counters.applied == tree->counters.applied);
    LIST_INSERT_HEAD(&tree->views, view, entry);
    *out = view;
    return 0;
}

struct tree *tree_view_tree(struct tree_view *view)
{
    return view->tree.sql.db ? &view->tree : NULL;
}

/* Gives up the transaction, so that the WAL can be used again. */
static void view_end(struct tree_view *view)
{
    if (!view->tree.sql.db)
        return;
    view_finish(&view->tree);
    LIST_REMOVE(view, entry);
}

void views_end(struct tree *tree)
{
    while (!LIST_EMPTY(&tree->views))
        view_end(LIST_FIRST(&tree->views));
}

void tree_view_close(struct tree_view *view)
{
    view_end(view);
    free(view);
}
