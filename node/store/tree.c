/* Opening, committing and closing the tree; its numbers. */
#include "store/tree_internal.h"

#include "base/trace.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void tree_break(struct tree *tree, int status)
{
    assert(status < 0);
    tree->broken = status;
    if (!tree->viewed)
        return;
    tree->viewed->broken = status;
    tree->viewed->sql.fault = tree->sql.fault;
}

int tree_fail(struct tree *tree, int status, const char *text)
{
    tree_break(tree, fault_set(&tree->sql.fault, status, "%s: %s", TREE_FILE, text));
    return status;
}

int tree_damaged(struct tree *tree, const char *what)
{
    tree_break(tree, sql_damaged(&tree->sql, what));
    return tree->broken;
}

int tree_step(struct tree *tree, sqlite3_stmt *statement)
{
    if (tree->broken)
        return tree->broken;
    int status = sql_step(&tree->sql, statement);
    if (status < 0)
        tree_break(tree, status);
    return status;
}

int tree_run(struct tree *tree, sqlite3_stmt *statement)
{
    int status = tree_step(tree, statement);
    assert(status <= 0);
    tree->changes++;
    return status;
}

/* ---- Opening ---- */

/* Makes the tables and columns that an older format does not have. */
static int tree_upgrade(struct sql *sql, int format)
{
    int status = 0;
    for (uint32_t i = 0; status == 0 && i < tables_count(record_format); i++) {
        const struct table *table = &tree_tables[i];
        bool is_new = table->format > (uint32_t)format;
        status = is_new ? table_make(sql, table) : table_widen(sql, table, (uint32_t)format);
        if (status == 0 && is_new)
            status = table_begin(sql, table);
    }
    return status < 0 ? status : sql_upgraded(sql, format);
}

int tree_make(struct sql *sql, const struct identity *identity, bool *made)
{
    int format, status = sql_identify(sql, identity, &format);
    *made = status == 0 && format == 0;
    for (uint32_t i = 0; *made && status == 0 && i < tables_count(record_format); i++)
        status = table_make(sql, &tree_tables[i]);
    if (*made && status == 0)
        status = sql_exec(sql, tree_own_schema);
    if (status == 0 && format < 4)
        status = ways_make(sql);
    if (status == 0 && !*made && format < FOLDER_FORMAT)
        status = tree_upgrade(sql, format);
    return status;
}

/* The keepers that wanted them have ended with the previous process. */
static int forget_kept(struct sql *sql)
{
    return sql_exec(sql, "DELETE FROM kept");
}

/* Fills new tables with what a cluster begins with. */
static int make_root(struct sql *sql)
{
    int status = 0;
    for (uint32_t i = 0; status == 0 && i < tables_count(record_format); i++)
        status = table_begin(sql, &tree_tables[i]);
    char text[256];
    snprintf(text, sizeof text,
             "INSERT INTO snapshot VALUES (0);"
             "INSERT INTO inode (ino, mode, nlink, parent) VALUES (%d, %d, 2, %d)",
             INO_ROOT, ROOT_MODE, INO_ROOT);
    return status < 0 ? status : sql_exec(sql, text);
}

/* In one transaction: makes the tables, or brings those that are there up to date. */
static int make_tables(struct tree *tree)
{
    bool made;
    int status = sql_exec(&tree->sql, "BEGIN IMMEDIATE");
    if (status == 0)
        status = tree_make(&tree->sql, &tree->identity, &made);
    if (status == 0)
        status = made ? make_root(&tree->sql) : forget_kept(&tree->sql);
    tree->kept = false;
    return status < 0 ? status : sql_exec(&tree->sql, "COMMIT");
}

#define COUNTER_COLUMN(name, first, format) #name ", "
#define COUNTER_COLUMNS COUNTERS(COUNTER_COLUMN, COUNTER_COLUMN)
#define COUNTER_READ(name, first, format) counters->name = column_number(query, column++);

/* Reads the row of `meta`, and also whether there is trash, and the last snapshot. */
static int counters_load(struct tree *tree)
{
    struct counters *counters = &tree->counters;
    sqlite3_stmt *query;
    int column = 0;
    int status = sql_prepare(&tree->sql,
                             "SELECT " COUNTER_COLUMNS "EXISTS (SELECT 1 FROM trash),"
                             " (SELECT upto FROM snapshot) FROM meta",
                             &query);
    if (status < 0)
        return status;
    status = sql_step(&tree->sql, query);
    COUNTERS(COUNTER_READ, COUNTER_READ);
    tree->trash = column_number(query, column++);
    tree->snapshot = column_number(query, column);
    assert(sqlite3_column_count(query) == column + 1);
    sqlite3_finalize(query);
    if (status == 0)
        return sql_damaged(&tree->sql, "its counters are missing");
    if (status < 0)
        return status;
    /* SQLite reads a WAL only up to a damaged place. If newer pages have been written back, the
     * part before that place would hide them. */
    if (counters->applied < sql_checkpointed(&tree->sql, "SELECT applied FROM meta"))
        return sql_damaged(&tree->sql, "its WAL ends before what was written back from it");
    return 0;
}

sqlite3_stmt *tree_prepare(struct tree *tree, enum tree_query query)
{
    sql_prepare(&tree->sql, tree_queries[query], &tree->queries[query]);
    return tree->queries[query];
}

int tree_remember(struct tree *tree)
{
    int status = ways_load(tree);
    if (status == 0)
        status = session_load(tree);
    if (status == 0)
        status = cluster_load(tree);
    if (status == 0)
        status = events_load(tree);
    if (status == 0)
        status = mortals_load(tree);
    if (status == 0)
        status = locks_load(tree);
    if (status == 0)
        status = ephemerals_load(tree);
    return status;
}

int tree_attach(struct tree *tree)
{
    int status = sql_open(&tree->sql, tree->folder, tree->file);
    assert(!tree->writing && !tree->reading);
    if (status < 0)
        return status;
    cache_clear(tree->cache);
    token_forget(tree);
    status =
        sql_exec(&tree->sql, "PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL;"
                             "PRAGMA busy_timeout = 1000; PRAGMA journal_mode = WAL;"
                             "PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY;"
                             "PRAGMA cache_size = -65536; PRAGMA journal_size_limit = 67108864");
    if (status == 0)
        status = make_tables(tree);
    if (status == 0)
        status = counters_load(tree);
    if (status == 0)
        status = shrink_open(tree);
    if (status == 0)
        status = tree_remember(tree);
    if (status == 0)
        status = checkpoint_open(tree);
    /* For set_aside alone. It is closed after the connections: closing it before would take their
     * locks away. */
    tree->fd = open(tree->sql.path, O_WRONLY | O_CLOEXEC);
    tree->set_aside = 0;
    if (status < 0)
        tree_detach(tree);
    return status;
}

void tree_detach(struct tree *tree)
{
    assert(tree->background == 0);
    checkpoint_close(tree);
    session_forget(tree);
    for (int i = 0; i < QUERY_COUNT; i++) {
        sqlite3_finalize(tree->queries[i]);
        tree->queries[i] = NULL;
    }
    tree->writing = tree->reading = false;
    sql_close(&tree->sql);
    if (tree->fd >= 0)
        close(tree->fd);
    tree->fd = -1;
}

static struct tree *tree_new(const struct folder *folder, const struct identity *identity,
                             const char *file)
{
    struct tree *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->folder = folder;
    t->file = file;
    t->identity = *identity;
    t->changes_max = COMMIT_PAGES;
    LIST_INIT(&t->sessions);
    LIST_INIT(&t->readers);
    LIST_INIT(&t->views);
    SLIST_INIT(&t->told_names);
    LIST_INIT(&t->keepers);
    t->cache = cache_new();
    t->events.paths = paths_new();
    if (!t->cache || !t->events.paths) {
        free(t->cache);
        free(t->events.paths);
        free(t);
        return NULL;
    }
    return t;
}

static void tree_free(struct tree *tree)
{
    buffer_free(&tree->outcome);
    events_free(tree);
    changes_forget(tree);
    free(tree->report);
    free(tree->stirred);
    free(tree->cache);
    free(tree);
}

/* Attaches a tree that is new, or frees it. */
static int tree_settle(struct tree *t, struct tree **tree, struct fault *fault)
{
    int status = tree_attach(t);
    if (status < 0) {
        *fault = t->sql.fault;
        tree_free(t);
        return status;
    }
    *tree = t;
    return 0;
}

int tree_open(const struct folder *folder, const struct identity *identity, struct tree **tree,
              struct fault *fault)
{
    struct tree *t = tree_new(folder, identity, TREE_FILE);
    if (!t)
        return fault_set(fault, -ENOMEM, "%s: out of memory", TREE_FILE);
    int status = incoming_settle(folder, fault);
    if (status == 0)
        status = sql_settle(folder, TREE_FILE, fault);
    if (status < 0) {
        tree_free(t);
        return status;
    }
    return tree_settle(t, tree, fault);
}

int tree_open_incoming(const struct tree *tree, struct tree **incoming, struct fault *fault)
{
    struct tree *t = tree_new(tree->folder, &tree->identity, INCOMING_FILE);
    if (!t)
        return fault_set(fault, -ENOMEM, "%s: out of memory", INCOMING_FILE);
    int status = tree_settle(t, &t, fault);
    if (status < 0)
        return status;
    *incoming = t;
    status = sql_exec(&t->sql, "PRAGMA synchronous = OFF");
    if (status == 0)
        status = sql_exec(&t->checkpoint.sql, "PRAGMA synchronous = OFF");
    if (status < 0)
        *fault = t->sql.fault;
    return status;
}

void tree_discard(struct tree *incoming)
{
    tree_detach(incoming);
    tree_free(incoming);
}

int tree_identify(struct tree *tree, const struct identity *identity, struct fault *fault)
{
    bool same = tree->identity.cluster == identity->cluster;
    assert(same || tree->identity.cluster == 0);
    assert(same || (!tree->writing && tree->counters.applied == 0));
    int status = same ? 0 : sql_set_owner(&tree->sql, identity);
    tree->identity = *identity;
    if (status < 0)
        *fault = tree->sql.fault;
    return status;
}

void tree_close(struct tree *tree)
{
    assert(!tree_busy(tree));
    assert(LIST_EMPTY(&tree->readers));
    assert(LIST_EMPTY(&tree->views));
    assert(!tree->writer);
    assert(LIST_EMPTY(&tree->keepers));
    if (tree->broken == 0 && tree_commit(tree) < 0)
        trace_error("tree", "%s", tree->sql.fault.text);
    tree_detach(tree); /* the last connection: it checkpoints and removes the WAL */
    tree_free(tree);
}

bool tree_broken(const struct tree *tree)
{
    return tree->broken < 0;
}

const char *tree_fault(const struct tree *tree)
{
    return tree->sql.fault.text;
}

uint64_t tree_applied(const struct tree *tree)
{
    return tree->counters.applied;
}

uint64_t tree_snapshot(const struct tree *tree)
{
    return tree->snapshot;
}

/* ---- The open transaction ---- */

int tree_begin(struct tree *tree)
{
    if (tree->broken)
        return tree->broken;
    if (tree->writing)
        return 0;
    assert(!tree->reading);
    checkpoint_before(tree);
    int status = tree_run(tree, tree_query(tree, QUERY_BEGIN));
    tree->changes = 0;
    tree->writing = status == 0;
    return status;
}

int tree_read_begin(struct tree *tree)
{
    assert(!tree->reading);
    if (tree->writing || tree->broken)
        return tree->broken;
    int status = tree_step(tree, tree_query(tree, QUERY_READ));
    tree->reading = status == 0;
    return status;
}

int tree_read_end(struct tree *tree)
{
    if (!tree->reading)
        return tree->broken;
    tree->reading = false;
    return tree_step(tree, tree_query(tree, QUERY_COMMIT));
}

#define COUNTER_BIND(name, first, format) bind_number(query, ++parameter, counters->name);

int counters_store(struct tree *tree)
{
    const struct counters *counters = &tree->counters;
    sqlite3_stmt *query = tree_query(tree, QUERY_META_SET);
    int parameter = 0;
    COUNTERS(COUNTER_BIND, COUNTER_BIND);
    assert(!query || parameter == sqlite3_bind_parameter_count(query));
    assert(counters->inodes > 0); /* the root */
    return tree_run(tree, query);
}

/* Estimates how many changes dirty COMMIT_PAGES pages, if the next ones are like those of this
 * commit. */
static void adapt_changes_max(struct tree *tree, int pages)
{
    uint64_t max = (uint64_t)tree->changes * COMMIT_PAGES / (uint64_t)(pages > 0 ? pages : 1);
    if (tree->changes < COMMIT_CHANGES_MIN)
        return; /* too few to tell */
    if (max < COMMIT_CHANGES_MIN)
        max = COMMIT_CHANGES_MIN;
    tree->changes_max = (uint32_t)(max < COMMIT_CHANGES_MAX ? max : COMMIT_CHANGES_MAX);
    assert(tree->changes_max >= COMMIT_CHANGES_MIN);
}

int tree_count_pages(struct tree *tree, enum tree_query which, uint64_t *bytes)
{
    sqlite3_stmt *query = tree_query(tree, which);
    int status = tree_step(tree, query);
    if (status > 0)
        *bytes = column_number(query, 0) * TREE_PAGE_BYTES;
    sqlite3_reset(query);
    return status < 0 ? status : 0;
}

int tree_set_aside(struct tree *tree)
{
    uint64_t bytes = 0;
    int status = tree_count_pages(tree, QUERY_PAGES, &bytes);
    if (status < 0 || bytes <= tree->set_aside)
        return status;
    bytes = (bytes + TREE_AHEAD_BYTES - 1) / TREE_AHEAD_BYTES * TREE_AHEAD_BYTES;
    if (fallocate(tree->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)bytes) == 0)
        tree->set_aside = bytes;
    return 0;
}

int tree_commit(struct tree *tree)
{
    int frames = tree->wal_frames;
    if (tree->broken)
        return tree->broken;
    if (!tree->writing)
        return 0;
    assert(!tree->reading);
    int status = counters_store(tree);
    if (status == 0)
        status = session_store(tree);
    if (status == 0)
        status = events_store(tree);
    if (status == 0 && tree->trash)
        status = data_reap(tree);
    if (status == 0)
        status = tree_set_aside(tree);
    if (status == 0)
        status = tree_run(tree, tree_query(tree, QUERY_COMMIT));
    if (status < 0)
        return status;
    assert(sqlite3_get_autocommit(tree->sql.db));
    tree->writing = tree->compact = false;
    /* The WAL may have begun again. */
    adapt_changes_max(tree, tree->wal_frames - (tree->wal_frames > frames ? frames : 0));
    checkpoint_watch(tree);
    return 0;
}

bool tree_wants_commit(const struct tree *tree)
{
    return tree->writing && tree->changes >= (tree->tight ? COMMIT_CHANGES_MIN : tree->changes_max);
}

int tree_counts(struct tree *tree, struct tree_counts *counts)
{
    uint64_t bytes = 0;
    if (tree->broken)
        return tree->broken;
    int status = tree_count_pages(tree, QUERY_PAGES, &bytes);
    if (status == 0)
        status = tree_count_pages(tree, QUERY_FREE_PAGES, &counts->free_bytes);
    if (status < 0)
        return status;
    counts->inodes = tree->counters.inodes;
    counts->bytes = tree->counters.bytes;
    counts->mortals = tree->mortals.files;
    counts->leases = tree->mortals.leases;
    counts->file_bytes = sql_file_bytes(&tree->sql);
    counts->wal_bytes = sql_wal_bytes(&tree->sql);
    uint64_t main_bytes = counts->file_bytes - counts->wal_bytes;
    main_bytes = main_bytes > tree->set_aside ? main_bytes : tree->set_aside;
    counts->owed_bytes = bytes > main_bytes ? bytes - main_bytes : 0;
    return 0;
}
