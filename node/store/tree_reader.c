/* Serving a snapshot: a connection whose read transaction sees the tree as it was when it began. */
#include "store/tree_internal.h"
#include "store/tree_records.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct tree_reader {
    LIST_ENTRY(tree_reader) entry; /* among the tree's, until it is ended */
    struct tree *tree;
    uint32_t format; /* of the snapshot */
    uint64_t index;
    bool busy, ended;
    void (*done)(void *arg, int status, struct bytes piece, bool last);
    void *arg;
    /* The thread's while it is busy, otherwise the loop's. */
    uv_work_t work;
    struct sql sql;
    sqlite3_stmt *cursor; /* in the table; NULL between tables */
    uint8_t table;
    uint64_t rows[TABLES_MAX];
    size_t bytes_max;
    struct buffer piece;
    bool last;
    int status;
};

/* Begins the transaction; it sees what is committed now, and nothing later. */
static int tree_reader_begin(struct tree_reader *reader)
{
    int64_t applied = 0;
    int status = sql_exec(&reader->sql, "PRAGMA cache_size = -2048; BEGIN");
    if (status == 0)
        status = sql_number(&reader->sql, "SELECT applied FROM meta", &applied);
    reader->index = (uint64_t)applied;
    return status;
}

int tree_reader_open(struct tree *tree, uint32_t format, struct tree_reader **reader,
                     uint64_t *index)
{
    int status = tree_commit(tree);
    assert(format >= RECORD_FORMAT_OLDEST && format <= record_format);
    if (status < 0)
        return status;
    struct tree_reader *r = calloc(1, sizeof *r);
    if (!r)
        return -ENOMEM;
    r->tree = tree;
    r->format = format;
    status = sql_open(&r->sql, tree->folder, TREE_FILE);
    if (status == 0)
        status = tree_reader_begin(r);
    if (status < 0) {
        tree->sql.fault = r->sql.fault;
        sql_close(&r->sql);
        free(r);
        return status;
    }
    assert(r->index == tree->counters.applied);
    LIST_INSERT_HEAD(&tree->readers, r, entry);
    *reader = r;
    *index = r->index;
    return 0;
}

/* Adds the next row, or goes to the next table. */
static int read_row(struct tree_reader *r)
{
    assert(r->table < tables_count(r->format));
    int status = 0;
    if (!r->cursor)
        status = table_select(&r->sql, &tree_tables[r->table], r->format, &r->cursor);
    if (status == 0)
        status = sql_step(&r->sql, r->cursor);
    if (status > 0) {
        record_put_row(&r->piece, r->table, r->cursor);
        r->rows[r->table]++;
        return 0;
    }
    sqlite3_finalize(r->cursor);
    r->cursor = NULL;
    r->table++;
    return status;
}

/* On the thread pool: the header, rows up to the size of a piece, and with the last row the end. */
static void read_piece(uv_work_t *work)
{
    struct tree_reader *r = work->data;
    uint32_t tables = tables_count(r->format);
    if (r->piece.cap == 0)
        record_put_header(&r->piece, r->format, r->index);
    else
        r->piece.len = 0;
    r->status = 0;
    while (r->status == 0 && r->piece.len < r->bytes_max && r->table < tables)
        r->status = read_row(r);
    if (r->table == tables) {
        record_put_end(&r->piece, r->format, r->rows);
        r->last = true;
    }
    if (r->piece.failed)
        r->status = -ENOMEM;
}

/* Gives up the transaction, so that the WAL can be used again. */
static void tree_reader_end(struct tree_reader *r)
{
    assert(!r->busy);
    if (!r->sql.db)
        return;
    sqlite3_finalize(r->cursor);
    r->cursor = NULL;
    sql_close(&r->sql);
    LIST_REMOVE(r, entry);
}

void readers_end(struct tree *tree)
{
    struct tree_reader *r = LIST_FIRST(&tree->readers);
    while (r) {
        struct tree_reader *next = LIST_NEXT(r, entry);
        r->ended = true;
        if (!r->busy)
            tree_reader_end(r);
        r = next;
    }
}

/* The loop may have ended the reader while the piece was read. */
static void piece_read(uv_work_t *work, int cancelled)
{
    struct tree_reader *r = work->data;
    int status = r->ended ? -ESTALE : r->status;
    assert(r->busy);
    r->busy = false;
    if (status == -EUCLEAN)
        r->tree->sql.fault = r->sql.fault;
    if (r->ended)
        tree_reader_end(r);
    background_end(r->tree);
    r->done(r->arg, status, bytes_of(r->piece.data, r->piece.len), r->last);
}

int tree_reader_next(struct tree_reader *reader, uv_loop_t *loop, size_t bytes_max,
                     void (*done)(void *arg, int status, struct bytes piece, bool last), void *arg)
{
    if (reader->busy || writer_installing(reader->tree))
        return -EBUSY;
    if (reader->ended)
        return -ESTALE;
    if (reader->last)
        return -ENODATA;
    assert(done && bytes_max > 0);
    reader->done = done;
    reader->arg = arg;
    reader->bytes_max = bytes_max;
    reader->work.data = reader;
    reader->busy = true;
    reader->tree->background++;
    int status = uv_queue_work(loop, &reader->work, read_piece, piece_read);
    assert(status == 0); /* it fails only without a function to run */
    return 0;
}

void tree_reader_close(struct tree_reader *reader)
{
    assert(!reader->busy);
    tree_reader_end(reader);
    buffer_free(&reader->piece);
    free(reader);
}
