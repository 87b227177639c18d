/* Locks and waits for locks, as rows, and what doors may ask of them. */
#include "store/tree_internal.h"

#include <assert.h>

/* The parameters of all these statements (tree_queries.c). */
enum { PARAMETERS_MAX = 12 };
static const uint64_t UNLOCKS = 2; /* in place of `shared`: like no row */

static void bind_lock(sqlite3_stmt *query, const struct tree_lock *lock, uint64_t shared,
                      uint64_t eleventh, uint64_t twelfth)
{
    const uint64_t values[PARAMETERS_MAX] = {lock->ino,   lock->flock, lock->node, lock->owner,
                                             lock->first, lock->last,  shared,     lock->pid,
                                             lock->since, lock->token, eleventh,   twelfth};
    int count = sqlite3_bind_parameter_count(query);
    assert(count <= PARAMETERS_MAX);
    for (int i = 0; i < count; i++)
        bind_number(query, i + 1, values[i]);
}

static void read_lock(sqlite3_stmt *query, struct tree_lock *lock)
{
    *lock = (struct tree_lock){.ino = column_number(query, 0),
                               .flock = column_number(query, 1),
                               .node = (uint32_t)column_number(query, 2),
                               .owner = column_number(query, 3),
                               .first = column_number(query, 4),
                               .last = column_number(query, 5),
                               .shared = column_number(query, 6),
                               .pid = (uint32_t)column_number(query, 7),
                               .since = column_number(query, 8),
                               .token = column_number(query, 9)};
    if (lock->token == 0) {
        lock->ticket = column_number(query, 10);
        lock->waiter = column_number(query, 11);
    }
}

/* 1 and the row of a bound statement, 0, or an error. */
static int find_row(struct tree *tree, sqlite3_stmt *query, struct tree_lock *found)
{
    int status = tree_step(tree, query);
    if (status <= 0)
        return status;
    read_lock(query, found);
    sqlite3_reset(query);
    return 1;
}

static int find_lock(struct tree *tree, enum tree_query number, const struct tree_lock *like,
                     uint64_t eleventh, uint64_t twelfth, struct tree_lock *found)
{
    sqlite3_stmt *query = tree_query(tree, number);
    bind_lock(query, like, like->shared, eleventh, twelfth);
    return find_row(tree, query, found);
}

int tree_lock_conflict(struct tree *tree, const struct tree_lock *want, struct tree_lock *found)
{
    if (tree->locks == 0)
        return 0;
    return find_lock(tree, QUERY_LOCK_CONFLICT, want, 0, 0, found);
}

int lock_each_conflict(struct tree *tree, const struct tree_lock *want,
                       bool (*each)(void *arg, const struct tree_lock *lock), void *arg)
{
    sqlite3_stmt *query = tree_query(tree, QUERY_LOCK_CONFLICT);
    int status;
    bind_lock(query, want, want->shared, 0, 0);
    while ((status = tree_step(tree, query)) > 0) {
        struct tree_lock lock;
        read_lock(query, &lock);
        if (each(arg, &lock)) {
            sqlite3_reset(query);
            return 1;
        }
    }
    return status;
}

int lock_own(struct tree *tree, const struct tree_lock *want, bool unlocks, struct tree_lock *found)
{
    sqlite3_stmt *query = tree_query(tree, QUERY_LOCK_OWN);
    bind_lock(query, want, unlocks ? UNLOCKS : want->shared, 0, 0);
    return find_row(tree, query, found);
}

int lock_wait_conflict(struct tree *tree, const struct tree_lock *want, uint64_t after,
                       uint64_t before, struct tree_lock *found)
{
    return find_lock(tree, QUERY_LOCK_WAIT_CONFLICT, want, after, before, found);
}

int lock_wait_next(struct tree *tree, uint64_t ino, bool flock, uint64_t after,
                   struct tree_lock *found)
{
    const struct tree_lock like = {.ino = ino, .flock = flock};
    return find_lock(tree, QUERY_LOCK_WAIT_NEXT, &like, after, 0, found);
}

int lock_wait_of(struct tree *tree, uint32_t node, uint64_t owner, uint64_t after,
                 struct tree_lock *found)
{
    const struct tree_lock like = {.node = node, .owner = owner};
    return find_lock(tree, QUERY_LOCK_WAIT_OF, &like, after, 0, found);
}

int lock_wait_named(struct tree *tree, const struct tree_lock *named, struct tree_lock *found)
{
    return find_lock(tree, QUERY_LOCK_WAIT_NAMED, named, 0, named->waiter, found);
}

int lock_of_node(struct tree *tree, uint32_t node, uint64_t *ino, bool *flock)
{
    sqlite3_stmt *query = tree_query(tree, QUERY_LOCK_OF_NODE);
    bind_lock(query, &(struct tree_lock){.node = node}, 0, 0, 0);
    int status = tree_step(tree, query);
    if (status <= 0)
        return status;
    *ino = column_number(query, 0);
    *flock = column_number(query, 1);
    sqlite3_reset(query);
    return 1;
}

/* ---- Changes; tree->locks follows ---- */

static int change_rows(struct tree *tree, enum tree_query number, const struct tree_lock *lock)
{
    sqlite3_stmt *query = tree_query(tree, number);
    bind_lock(query, lock, lock->shared, lock->ticket, lock->waiter);
    return tree_run(tree, query);
}

static int delete_rows(struct tree *tree, enum tree_query number, const struct tree_lock *lock)
{
    int status = change_rows(tree, number, lock);
    if (status == 0) {
        assert(tree->locks >= (uint64_t)sqlite3_changes(tree->sql.db));
        tree->locks -= (uint64_t)sqlite3_changes(tree->sql.db);
    }
    return status;
}

int lock_add(struct tree *tree, const struct tree_lock *lock)
{
    assert((lock->token == 0) == (lock->ticket != 0));
    tree->locks++;
    return change_rows(tree, lock->token ? QUERY_LOCK_ADD : QUERY_LOCK_WAIT_ADD, lock);
}

int lock_delete(struct tree *tree, const struct tree_lock *lock)
{
    return delete_rows(tree, lock->token ? QUERY_LOCK_DELETE : QUERY_LOCK_WAIT_DELETE, lock);
}

int lock_delete_of_node(struct tree *tree, uint64_t ino, bool flock, uint32_t node)
{
    const struct tree_lock like = {.ino = ino, .flock = flock, .node = node};
    int status = delete_rows(tree, QUERY_LOCK_NODE_DELETE, &like);
    return status < 0 ? status : delete_rows(tree, QUERY_LOCK_WAIT_NODE_DELETE, &like);
}

int lock_clear(struct tree *tree, uint64_t ino)
{
    return delete_rows(tree, QUERY_LOCK_CLEAR, &(struct tree_lock){.ino = ino});
}

int locks_load(struct tree *tree)
{
    sqlite3_stmt *query = tree_query(tree, QUERY_LOCK_COUNT);
    int status = tree_step(tree, query);
    if (status > 0) {
        tree->locks = column_number(query, 0);
        sqlite3_reset(query);
    }
    return status < 0 ? status : 0;
}

/* ---- For doors ---- */

int tree_lock_state(struct tree *tree, const struct tree_lock *lock)
{
    struct tree_lock found;
    if (tree->locks == 0)
        return LOCK_BUSY;
    int status = lock_wait_named(tree, lock, &found);
    if (status != 0)
        return status < 0 ? status : LOCK_WAITS;
    status = lock_own(tree, lock, true, &found);
    if (status < 0)
        return status;
    bool all = status > 0 && found.shared == lock->shared && found.first <= lock->first &&
               found.last >= lock->last;
    return all ? LOCK_GRANTED : LOCK_BUSY;
}

int tree_lock_held(struct tree *tree, const struct tree_lock *lock, struct tree_lock *held)
{
    return tree->locks > 0 ? lock_own(tree, lock, true, held) : 0;
}

bool tree_lock_any(struct tree *tree, const struct tree_lock *lock)
{
    struct tree_lock found;
    return tree_lock_held(tree, lock, &found) > 0;
}

static int list_rows(struct tree *tree, enum tree_query number, tree_lock_cb *each, void *arg)
{
    sqlite3_stmt *query = tree_query(tree, number);
    int status;
    while ((status = tree_step(tree, query)) > 0) {
        struct tree_lock lock;
        read_lock(query, &lock);
        if (!each(arg, &lock)) {
            sqlite3_reset(query);
            return 1;
        }
    }
    return status;
}

int tree_locks(struct tree *tree, tree_lock_cb *each, void *arg)
{
    int status = list_rows(tree, QUERY_LOCK_LIST, each, arg);
    if (status == 0)
        status = list_rows(tree, QUERY_LOCK_WAIT_LIST, each, arg);
    return status < 0 ? status : 0;
}

uint64_t tree_locks_count(const struct tree *tree)
{
    return tree->locks;
}

uint64_t tree_lock_session(struct tree *tree, uint32_t node)
{
    sqlite3_stmt *query = tree_query(tree, QUERY_LOCK_SESSION);
    uint64_t number = 0;
    bind_number(query, 1, node);
    if (tree_step(tree, query) > 0) {
        number = column_number(query, 0);
        sqlite3_reset(query);
    }
    return number;
}
