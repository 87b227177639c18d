/* Locks and waits as a list for people. */
#include "store/tree_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

/* What a list is made of: a copy of the rows, because reading names uses the tree. */
struct rows {
    struct tree_lock *list;
    size_t count, room;
};

static bool rows_add(void *arg, const struct tree_lock *lock)
{
    struct rows *rows = arg;
    assert(rows->count < rows->room);
    rows->list[rows->count++] = *lock;
    return true;
}

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* By file and kind; the holders first, in the order of the bytes, and then those that wait. */
static int rows_order(const void *a, const void *b)
{
    const struct tree_lock *one = a, *other = b;
    int order = compare(one->ino, other->ino);
    if (order == 0)
        order = compare(one->flock, other->flock);
    if (order == 0)
        order = compare(one->ticket, other->ticket); /* 0: it holds */
    if (order == 0)
        order = compare(one->first, other->first);
    return order ? order : compare(one->token, other->token);
}

struct names {
    uint32_t count;
    struct {
        uint64_t parent;
        size_t begin, len; /* in `bytes` */
    } list[TREE_LOCK_PATHS_MAX];
    struct buffer bytes;
};

static bool lock_names_add(void *arg, uint64_t parent, struct bytes name)
{
    struct names *names = arg;
    names->list[names->count].parent = parent;
    names->list[names->count].begin = names->bytes.len;
    names->list[names->count++].len = name.len;
    buffer_append(&names->bytes, name.data, name.len);
    return names->count < TREE_LOCK_PATHS_MAX;
}

/* A path that is longer than a key can be is left out, as tree_paths does. */
static int paths_of(struct tree *tree, uint64_t ino, struct buffer *paths)
{
    struct names names = {0};
    int status = tree_names(tree, ino, lock_names_add, &names);
    paths->len = 0;
    for (uint32_t i = 0; i < names.count && status == 0 && !names.bytes.failed; i++) {
        struct bytes name = bytes_of(names.bytes.data + names.list[i].begin, names.list[i].len);
        size_t before = paths->len;
        status = tree_path(tree, names.list[i].parent, name, paths);
        if (status == 0)
            buffer_append(paths, "", 1);
        else
            paths->len = before;
        status = tree->broken;
    }
    bool failed = names.bytes.failed || paths->failed;
    buffer_free(&names.bytes);
    return status == 0 && failed ? -ENOMEM : status;
}

static int rows_tell(struct tree *tree, const struct rows *rows, tree_lock_line_cb *each, void *arg,
                     uint64_t *more)
{
    struct buffer paths = {0};
    struct tree_lock_line line = {0};
    int status = 0;
    size_t i = 0;
    for (; i < rows->count && i < TREE_LOCK_LINES_MAX; i++) {
        const struct tree_lock *lock = &rows->list[i], *last = i > 0 ? lock - 1 : NULL;
        bool same_file = last && last->ino == lock->ino;
        bool same_queue = same_file && last->flock == lock->flock && last->token == 0;
        status = same_file ? 0 : paths_of(tree, lock->ino, &paths);
        if (status < 0)
            break;
        line.lock = lock;
        line.place = lock->token ? 0 : same_queue ? line.place + 1 : 1;
        line.paths = bytes_of(paths.data, paths.len);
        if (!each(arg, &line))
            break;
    }
    *more = rows->count - i;
    buffer_free(&paths);
    return status;
}

int tree_lock_lines(struct tree *tree, tree_lock_line_cb *each, void *arg, uint64_t *more)
{
    struct rows rows = {.room = tree->locks};
    *more = 0;
    if (rows.room == 0)
        return 0;
    rows.list = malloc(rows.room * sizeof *rows.list);
    if (!rows.list)
        return -ENOMEM;
    int status = tree_locks(tree, rows_add, &rows);
    qsort(rows.list, rows.count, sizeof *rows.list, rows_order);
    if (status == 0)
        status = rows_tell(tree, &rows, each, arg, more);
    free(rows.list);
    return status;
}
