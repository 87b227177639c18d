/* Receiving a snapshot: a new database beside tree.db is filled piece by piece, checked, and then
 * takes its place in one step (tree_incoming.c). If entries of the log follow its rows, they are
 * applied to it before that, as to any tree. */
#include "store/tree_internal.h"
#include "store/tree_records.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BATCH_ROWS = 16 }; /* inserted at a time: two thirds of the time of single rows */

struct tree_writer {
    struct tree *tree;
    uint64_t index;
    bool installing; /* nothing else may begin in the background */
    bool prepared;   /* the file is complete, or has failed; waits until the background is idle */
    void (*done)(void *arg, int status);
    void *arg;
    /* The thread's while a piece or the installation is under way, otherwise the loop's. */
    uv_work_t work;
    struct sql sql;
    int fd; /* of the file, for write_behind; negative: none */
    sqlite3_stmt *inserts[TABLES_MAX], *batches[TABLES_MAX]; /* one row; BATCH_ROWS */
    struct reader piece;
    uint32_t format; /* 0 until the header has come */
    uint64_t rows[TABLES_MAX];
    bool ended;         /* the end of the rows has come */
    struct tree *grown; /* the file, opened as a tree: entries have come */
    bool last;          /* there are no more */
    int status;
};

/* ---- Filling ---- */

static void writer_close(struct tree_writer *w)
{
    if (w->grown)
        tree_discard(w->grown);
    w->grown = NULL;
    for (int i = 0; i < TABLES_MAX; i++) {
        sqlite3_finalize(w->inserts[i]);
        sqlite3_finalize(w->batches[i]);
        w->inserts[i] = w->batches[i] = NULL;
    }
    sql_close(&w->sql);
    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
}

/* The file goes as well, unless it has become the tree. */
static void writer_free(struct tree_writer *w)
{
    writer_close(w);
    incoming_remove(w->tree->folder);
    w->tree->writer = NULL;
    free(w);
}

static int writer_failed(struct tree_writer *w, int status, const char *doing)
{
    return fault_set(&w->sql.fault, status, "%s: %s: %s", INCOMING_FILE, doing, strerror(-status));
}

/* A new database, in one transaction that is committed when it is complete. */
static int writer_make(struct tree_writer *w)
{
    int status = incoming_remove(w->tree->folder);
    if (status < 0)
        return writer_failed(w, status, "remove");
    status = sql_open(&w->sql, w->tree->folder, INCOMING_FILE);
    w->fd = incoming_open(w->tree->folder);
    if (status == 0)
        status = sql_exec(&w->sql, "PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL;"
                                   "PRAGMA journal_mode = OFF;"
                                   "PRAGMA synchronous = OFF; PRAGMA cache_size = -8192; BEGIN");
    bool made;
    if (status == 0)
        status = tree_make(&w->sql, &w->tree->identity, &made);
    return status;
}

int tree_writer_open(struct tree *tree, uint64_t index, struct tree_writer **writer)
{
    if (tree->writer)
        return -EBUSY;
    struct tree_writer *w = calloc(1, sizeof *w);
    if (!w)
        return -ENOMEM;
    w->tree = tree;
    w->index = index;
    w->fd = -1;
    int status = writer_make(w);
    if (status < 0) {
        tree->sql.fault = w->sql.fault;
        writer_free(w);
        return status;
    }
    tree->writer = w;
    *writer = w;
    return 0;
}

/* Prepares the inserts for the tables that the format has; other tables are as in a new tree. */
static int writer_begin(struct tree_writer *w)
{
    assert(!w->inserts[0]);
    uint32_t count = tables_count(w->format);
    int status = 0;
    for (uint32_t i = 0; status == 0 && i < count; i++) {
        const struct table *table = &tree_tables[i];
        status = table_insert(&w->sql, table, w->format, 1, &w->inserts[i]);
        if (status == 0)
            status = table_insert(&w->sql, table, w->format, BATCH_ROWS, &w->batches[i]);
    }
    for (uint32_t i = count; status == 0 && i < tables_count(record_format); i++)
        status = table_begin(&w->sql, &tree_tables[i]);
    return status;
}

/* Comes first, once. */
static int add_header(struct tree_writer *w)
{
    uint32_t format = reader_u32(&w->piece);
    uint64_t index = reader_u64(&w->piece);
    if (w->format > 0 || index != w->index)
        return -EBADMSG;
    if (format < RECORD_FORMAT_OLDEST || format > record_format)
        return -EBADMSG;
    w->format = format;
    return writer_begin(w);
}

/* Comes last, and says how many rows each table must have. */
static int add_end(struct tree_writer *w)
{
    if (w->format == 0)
        return -EBADMSG;
    w->ended = true;
    for (uint32_t i = 0; i < tables_count(w->format); i++) {
        if (reader_u64(&w->piece) != w->rows[i])
            return -EBADMSG;
    }
    return 0;
}

/* Whether BATCH_ROWS rows of the table follow, which are then bound. Otherwise nothing is read. */
static bool bind_batch(struct tree_writer *w, uint8_t table)
{
    const struct reader begin = w->piece;
    int columns = sqlite3_bind_parameter_count(w->inserts[table]);
    bool whole = true;
    for (int row = 0; whole && row < BATCH_ROWS; row++) {
        if (row > 0)
            whole = reader_u8(&w->piece) == table;
        record_bind_row(&w->piece, w->batches[table], 1 + row * columns, columns);
        whole &= !w->piece.bad;
    }
    if (!whole)
        w->piece = begin;
    return whole;
}

static int insert_bound(struct tree_writer *w, sqlite3_stmt *insert)
{
    int code = sqlite3_step(insert);
    sqlite3_reset(insert);
    if (code == SQLITE_DONE)
        return 0;
    /* A row that comes twice, or has wrong types, is the sender's fault; other errors are the
     * disk's. */
    code &= 0xff;
    return code == SQLITE_CONSTRAINT || code == SQLITE_MISMATCH ? -EBADMSG
                                                                : sql_failed(&w->sql, "write");
}

/* Adds one row, or a batch of them. */
static int add_rows(struct tree_writer *w, uint8_t table)
{
    if (table >= TABLES_MAX || !w->inserts[table])
        return -EBADMSG;
    if (bind_batch(w, table)) {
        w->rows[table] += BATCH_ROWS;
        return insert_bound(w, w->batches[table]);
    }
    sqlite3_stmt *insert = w->inserts[table];
    record_bind_row(&w->piece, insert, 1, sqlite3_bind_parameter_count(insert));
    if (w->piece.bad)
        return -EBADMSG;
    w->rows[table]++;
    return insert_bound(w, insert);
}

static int writer_complete(struct tree_writer *w);

/* The rows are a tree, to which the first entry is applied. */
static int begin_entries(struct tree_writer *w)
{
    int status = writer_complete(w);
    writer_close(w);
    return status < 0 ? status : tree_open_incoming(w->tree, &w->grown, &w->sql.fault);
}

/* As at any node that had it from its own log. Garbage is an entry too, but one of a later version
 * cannot be in the log of a cluster to which this node belongs. */
static int add_entry(struct tree_writer *w)
{
    struct bytes entry = reader_bytes(&w->piece);
    struct command_result result;
    bool repeated;
    if (!w->ended || w->last || w->piece.bad)
        return -EBADMSG;
    int status = w->grown ? 0 : begin_entries(w);
    if (status < 0)
        return status;
    status = tree_apply(w->grown, entry, false, &result, &repeated);
    if (status == 0)
        command_result_free(&result);
    if (status == 0 && tree_wants_commit(w->grown))
        status = tree_commit(w->grown);
    if (status < 0 && status != -EPROTONOSUPPORT)
        w->sql.fault = w->grown->sql.fault;
    return status == -EPROTONOSUPPORT ? -EBADMSG : status;
}

/* After the entries, of which there may be none. */
static int add_last(struct tree_writer *w)
{
    uint64_t index = reader_u64(&w->piece);
    if (!w->ended || w->last || w->piece.bad)
        return -EBADMSG;
    if (index != (w->grown ? tree_applied(w->grown) : w->index))
        return -EBADMSG;
    w->last = true;
    w->index = index;
    return 0;
}

/* The WAL of a tree that grows is written back between the pieces. */
static int settle_entries(struct tree_writer *w)
{
    int status = tree_wants_checkpoint(w->grown) ? tree_checkpoint_now(w->grown) : 0;
    if (status < 0)
        w->sql.fault = w->grown->sql.fault;
    return status;
}

/* Lets the kernel begin to write what it has of the file. The sync at the end then finds little to
 * do, which matters because all other writes to the disk may have to wait for it. A failure has no
 * effect. */
static void write_behind(int fd)
{
    if (fd >= 0)
        sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

/* On the thread pool: the records of a piece, each by its tag. */
static void add_piece(uv_work_t *work)
{
    struct tree_writer *w = work->data;
    while (w->status == 0 && reader_left(&w->piece) > 0) {
        uint8_t tag = reader_u8(&w->piece);
        if (tag == RECORD_ENTRY)
            w->status = add_entry(w);
        else if (tag == RECORD_LAST)
            w->status = add_last(w);
        else if (w->ended)
            w->status = -EBADMSG;
        else if (tag == RECORD_HEADER)
            w->status = add_header(w);
        else if (tag == RECORD_END)
            w->status = add_end(w);
        else
            w->status = add_rows(w, tag);
    }
    if (w->status == 0 && w->piece.bad)
        w->status = -EBADMSG;
    if (w->status == 0 && w->grown)
        w->status = settle_entries(w);
    write_behind(w->fd);
}

/* On the loop: the text for tree_fault. -EBADMSG is the sender's fault and needs none. */
static void tell_fault(const struct tree_writer *w)
{
    if (w->status < 0 && w->status != -EBADMSG)
        w->tree->sql.fault = w->sql.fault;
}

static void piece_added(uv_work_t *work, int cancelled)
{
    struct tree_writer *w = work->data;
    int status = w->status;
    assert(!w->installing);
    tell_fault(w);
    background_end(w->tree);
    w->done(w->arg, status);
}

static void writer_queue(struct tree_writer *w, uv_loop_t *loop, uv_work_cb work,
                         uv_after_work_cb after)
{
    w->work.data = w;
    w->tree->background++;
    int status = uv_queue_work(loop, &w->work, work, after);
    assert(status == 0); /* it fails only without a function to run */
}

int tree_writer_add(struct tree_writer *writer, uv_loop_t *loop, struct bytes piece,
                    void (*done)(void *arg, int status), void *arg)
{
    assert(!writer->installing);
    writer->piece = reader_of(piece);
    writer->done = done;
    writer->arg = arg;
    writer_queue(writer, loop, add_piece, piece_added);
    return 0;
}

void tree_writer_abort(struct tree_writer *writer)
{
    assert(!writer->installing);
    writer_free(writer);
}

/* ---- Installing ---- */

/* Whether the rows make a tree, at the index that was promised. */
static int writer_check(struct tree_writer *w)
{
    int status = tree_check(&w->sql);
    if (status < 0)
        return status;
    sqlite3_stmt *query;
    status = sql_prepare(&w->sql, "SELECT applied FROM meta", &query);
    if (status < 0)
        return status;
    status = sql_step(&w->sql, query);
    if (status > 0)
        status = column_number(query, 0) == w->index ? 0 : -EBADMSG;
    sqlite3_finalize(query);
    return status;
}

/* From this mark the log learns, after a crash, that its entries below are void. */
static int writer_mark(struct tree_writer *w)
{
    char text[64];
    snprintf(text, sizeof text, "INSERT INTO snapshot VALUES (%" PRIu64 ")", w->index);
    return sql_exec(&w->sql, text);
}

/* All rows are there: checks them, and adds what no snapshot has. */
static int writer_complete(struct tree_writer *w)
{
    int status = writer_check(w);
    if (status == 0)
        status = ways_fill(&w->sql);
    if (status == 0)
        status = writer_mark(w);
    return status == 0 ? sql_exec(&w->sql, "COMMIT") : status;
}

/* The mark is that of the rows. */
static int writer_mark_again(struct tree_writer *w)
{
    char text[64];
    int status = tree_commit(w->grown);
    snprintf(text, sizeof text, "UPDATE snapshot SET upto = %" PRIu64, w->index);
    if (status == 0)
        status = sql_exec(&w->grown->sql, text);
    if (status == 0)
        status = tree_checkpoint_now(w->grown);
    if (status < 0)
        w->sql.fault = w->grown->sql.fault;
    return status;
}

/* On the thread pool: checks the snapshot, and makes it durable beside the tree. */
static void writer_prepare(uv_work_t *work)
{
    struct tree_writer *w = work->data;
    if (w->status == 0 && (!w->ended || (w->grown && !w->last)))
        w->status = -EBADMSG;
    if (w->status == 0)
        w->status = w->grown ? writer_mark_again(w) : writer_complete(w);
    writer_close(w);
    if (w->status < 0)
        return;
    w->status = incoming_sync(w->tree->folder);
    if (w->status < 0)
        writer_failed(w, w->status, "sync");
}

/* Takes the step, and finishes the installation. After an error the tree is broken, and the next
 * start finds on disk whether the step was taken. */
static int take_place(struct tree_writer *w)
{
    struct tree *tree = w->tree;
    assert(tree->background == 0 && !tree->writing);
    int status = incoming_install(tree->folder);
    if (status < 0)
        return tree_fail(tree, status, "install a snapshot");
    sqlite3_db_config(tree->sql.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_db_config(tree->checkpoint.sql.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    tree_detach(tree);
    status = incoming_settle(tree->folder, &tree->sql.fault);
    if (status == 0)
        status = tree_attach(tree);
    if (status < 0)
        tree->broken = status;
    return status;
}

/* The background is idle. A tree that is beyond the snapshot stays. */
static int replace_tree(struct tree_writer *w)
{
    struct tree *tree = w->tree;
    int status = w->index < tree->counters.applied ? -ESTALE : tree_commit(tree);
    if (status < 0)
        return status;
    readers_end(tree);
    views_end(tree);
    assert(LIST_EMPTY(&tree->readers));
    return take_place(w);
}

bool writer_installing(const struct tree *tree)
{
    return tree->writer && tree->writer->installing;
}

void background_end(struct tree *tree)
{
    struct tree_writer *w = tree->writer;
    assert(tree->background > 0);
    tree->background--;
    if (tree->background > 0 || !w || !w->prepared)
        return;
    int status = w->status < 0 ? w->status : replace_tree(w);
    void (*done)(void *, int) = w->done;
    void *arg = w->arg;
    writer_free(w);
    done(arg, status);
}

/* On the loop. The tree is replaced now, or when the last other job in the background ends. */
static void writer_prepared(uv_work_t *work, int cancelled)
{
    struct tree_writer *w = work->data;
    assert(w->installing && !w->prepared);
    w->prepared = true;
    tell_fault(w);
    background_end(w->tree);
}

void tree_writer_install(struct tree_writer *writer, uv_loop_t *loop,
                         void (*done)(void *arg, int status), void *arg)
{
    assert(!writer->installing);
    writer->installing = true;
    writer->done = done;
    writer->arg = arg;
    writer_queue(writer, loop, writer_prepare, writer_prepared);
}
