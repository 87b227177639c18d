/* The storage thread of the log, its queue, and the way back to the loop. */
#include "store/log.h"
#include "store/log_db.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

/* A transaction takes no more writes once it has this many bytes, so that the first of many big
 * writes is reported soon. */
enum { LOG_BATCH_BYTES_MAX = 4 * 1024 * 1024 };

/* How often a full disk is tried again. */
#define LOG_FULL_NS UINT64_C(200000000)

struct log_item {
    STAILQ_ENTRY(log_item) next;
    struct paxos_write write;
    uint64_t bytes; /* of its entries */
};

STAILQ_HEAD(log_queue, log_item);
STAILQ_HEAD(log_reads, log_read);

struct log {
    /* The loop's. */
    struct log_callbacks callbacks;
    uint64_t queued, reported; /* last tickets */
    bool has_report, has_thread, failed;
    bool told_full;
    uv_thread_t thread;
    uv_async_t report; /* from the storage thread */
    void (*closed)(void *arg);
    void *closed_arg;

    /* The storage thread's while it runs. */
    struct log_db db;

    /* Both threads', under the mutex. Writes that are done come back, as only the loop may release
     * references to entries. */
    uv_mutex_t mutex;
    uv_cond_t wake; /* wakes the storage thread: a write waits, or `stopping` */
    struct log_queue waiting, done;
    struct log_reads reads, reads_done;
    uint64_t keep;    /* as the loop said last */
    uint64_t durable; /* ticket */
    int status;       /* the error that ended the writing */
    bool stopping, ended;
    bool full; /* the disk is: the thread waits for room */
    struct log_metrics metrics;
};

static uint64_t log_clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- The storage thread ---- */

/* Nothing waits. Under the mutex. */
static bool log_is_idle(struct log *log)
{
    log->db.keep = log->keep;
    return STAILQ_EMPTY(&log->waiting) && STAILQ_EMPTY(&log->reads) &&
           !log_db_has_dead_rows(&log->db);
}

/* Takes the writes that wait, as many as one transaction should hold. Sleeps if none waits, nor a
 * read, and the database has no dead rows to delete. Returns false if the thread should end. */
static bool log_take(struct log *log, struct log_queue *batch, uint64_t *ticket)
{
    uint64_t bytes = 0;
    uv_mutex_lock(&log->mutex);
    while (log_is_idle(log) && !log->stopping)
        uv_cond_wait(&log->wake, &log->mutex);
    struct log_item *item;
    while (bytes < LOG_BATCH_BYTES_MAX && (item = STAILQ_FIRST(&log->waiting))) {
        STAILQ_REMOVE_HEAD(&log->waiting, next);
        STAILQ_INSERT_TAIL(batch, item, next);
        bytes += item->bytes;
        assert(item->write.ticket > *ticket);
        *ticket = item->write.ticket;
    }
    bool go_on = !STAILQ_EMPTY(batch) || !log->stopping;
    uv_mutex_unlock(&log->mutex);
    return go_on;
}

/* Makes the batch durable in one transaction. An empty batch deletes dead rows. */
static int log_try_commit(struct log *log, struct log_queue *batch)
{
    struct log_item *item;
    int status = log_db_begin(&log->db);
    STAILQ_FOREACH(item, batch, next)
    {
        if (status == 0)
            status = log_db_put(&log->db, &item->write);
    }
    return status == 0 ? log_db_commit(&log->db) : status;
}

/* Returns false if the thread should end instead. */
static bool log_wait_for_room(struct log *log)
{
    uv_mutex_lock(&log->mutex);
    bool begins = !log->full;
    log->full = true;
    if (begins)
        uv_async_send(&log->report);
    if (!log->stopping)
        uv_cond_timedwait(&log->wake, &log->mutex, LOG_FULL_NS);
    bool go_on = !log->stopping;
    uv_mutex_unlock(&log->mutex);
    return go_on;
}

/* Gives a read back to the loop. */
static void log_read_done(struct log *log, struct log_read *read, int status)
{
    read->status = status;
    uv_mutex_lock(&log->mutex);
    STAILQ_INSERT_TAIL(&log->reads_done, read, next);
    uv_mutex_unlock(&log->mutex);
    uv_async_send(&log->report);
}

static struct log_read *log_next_read(struct log *log)
{
    uv_mutex_lock(&log->mutex);
    struct log_read *read = STAILQ_FIRST(&log->reads);
    if (read)
        STAILQ_REMOVE_HEAD(&log->reads, next);
    uv_mutex_unlock(&log->mutex);
    return read;
}

/* One read, so that writes do not wait long. If it cannot be had, that concerns its caller alone:
 * an error of the disk shows with the next write. */
static void log_serve_read(struct log *log)
{
    struct log_read *read = log_next_read(log);
    if (read)
        log_read_done(log, read,
                      log_db_read(&log->db, read->first, read->end, read->bytes_max, &read->records,
                                  &read->count));
}

/* Tries again as long as the disk is full. What is already in the WAL can be written back
 * meanwhile, which lets the WAL begin anew. */
static int log_commit(struct log *log, struct log_queue *batch)
{
    int status;
    while ((status = log_try_commit(log, batch)) == -ENOSPC) {
        struct fault full = log->db.sql.fault;
        int undone = log_db_undo(&log->db);
        if (undone == 0)
            undone = log_db_checkpoint(&log->db);
        if (undone < 0)
            return undone;
        log_serve_read(log); /* nothing else does meanwhile */
        log->db.sql.fault = full;
        if (!log_wait_for_room(log))
            break;
    }
    return status;
}

/* Tells the loop that the batch is durable up to this ticket, or what went wrong. */
static void log_report(struct log *log, struct log_queue *batch, uint64_t ticket, int status,
                       uint64_t commit_ns)
{
    struct log_metrics *m = &log->metrics;
    uv_mutex_lock(&log->mutex);
    if (status == 0) {
        assert(ticket >= log->durable);
        log->durable = ticket;
        m->commits++;
        m->entries += log->db.rows_added;
        m->bytes += log->db.bytes_added;
        m->commit_ns_total += commit_ns;
        m->commit_ns_max = commit_ns > m->commit_ns_max ? commit_ns : m->commit_ns_max;
        m->free_bytes = log->db.free_bytes;
        log->full = false;
    }
    log->status = status;
    STAILQ_CONCAT(&log->done, batch);
    uv_mutex_unlock(&log->mutex);
    uv_async_send(&log->report);
}

/* Writes the batch, which may be empty, and reports it. */
static int log_write_batch(struct log *log, struct log_queue *batch, uint64_t ticket)
{
    uint64_t start = log_clock_ns(CLOCK_MONOTONIC);
    int status = log_commit(log, batch);
    log_report(log, batch, ticket, status, log_clock_ns(CLOCK_MONOTONIC) - start);
    assert(STAILQ_EMPTY(batch)); /* they have gone back */
    if (status < 0)
        return status;
    /* After the report, so that only writes that arrive meanwhile wait for it. */
    status = log_db_checkpoint(&log->db);
    if (status < 0)
        log_report(log, batch, ticket, status, 0);
    return status;
}

/* The thread: it ends after an error, or when it is told to and nothing waits. */
static void log_run(void *arg)
{
    struct log *log = arg;
    struct log_queue batch = STAILQ_HEAD_INITIALIZER(batch);
    uint64_t ticket = 0; /* of the last write that was taken */
    int status = 0;
    while (status == 0 && log_take(log, &batch, &ticket)) {
        if (!STAILQ_EMPTY(&batch) || log_db_has_dead_rows(&log->db))
            status = log_write_batch(log, &batch, ticket);
        if (status == 0)
            log_serve_read(log);
    }
    uv_mutex_lock(&log->mutex);
    struct log_read *read;
    STAILQ_FOREACH(read, &log->reads, next)
    {
        read->status = -ECANCELED;
    }
    STAILQ_CONCAT(&log->reads_done, &log->reads);
    log->ended = true;
    uv_mutex_unlock(&log->mutex);
    uv_async_send(&log->report);
}

/* ---- The loop ---- */

/* Frees writes. The loop alone may, as entries count their references without atomics. */
static void log_release(struct log *log, struct log_queue *queue)
{
    struct log_item *item;
    while ((item = STAILQ_FIRST(queue))) {
        STAILQ_REMOVE_HEAD(queue, next);
        paxos_write_clear(&item->write);
        free(item);
    }
}

static void log_free(struct log *log)
{
    log_release(log, &log->waiting);
    log_release(log, &log->done);
    log_db_close(&log->db);
    uv_cond_destroy(&log->wake);
    uv_mutex_destroy(&log->mutex);
    free(log);
}

/* The handle was the last thing that the loop had of the log. */
static void log_report_closed(uv_handle_t *handle)
{
    struct log *log = handle->data;
    assert(log->stopping);
    assert(log->ended);
    void (*closed)(void *arg) = log->closed;
    void *arg = log->closed_arg;

    log_free(log);
    closed(arg);
}

/* Hands the thread's reports to the callbacks. These may call log_close, which frees the log only
 * later. */
static void log_reported(uv_async_t *report)
{
    struct log *log = report->data;
    struct log_queue done = STAILQ_HEAD_INITIALIZER(done);
    struct log_reads reads = STAILQ_HEAD_INITIALIZER(reads);
    uv_mutex_lock(&log->mutex);
    STAILQ_CONCAT(&done, &log->done);
    STAILQ_CONCAT(&reads, &log->reads_done);
    uint64_t durable = log->durable;
    int status = log->status;
    bool end = log->ended && log->stopping;
    bool full = log->full;
    uv_mutex_unlock(&log->mutex);

    log_release(log, &done);
    assert(durable <= log->queued);
    if (durable > log->reported) {
        log->reported = durable;
        log->callbacks.durable(log->callbacks.arg, durable);
    }
    if (full != log->told_full) {
        log->told_full = full;
        log->callbacks.full(log->callbacks.arg, full);
    }
    struct log_read *read;
    while ((read = STAILQ_FIRST(&reads))) {
        STAILQ_REMOVE_HEAD(&reads, next);
        read->done(read);
    }
    assert(status <= 0);
    if (status < 0 && !log->failed) {
        log->failed = true;
        log->callbacks.failed(log->callbacks.arg, status, log->db.sql.fault.text);
    }
    if (end) {
        if (log->has_thread)
            uv_thread_join(&log->thread);
        uv_close((uv_handle_t *)&log->report, log_report_closed);
    }
}

int log_open(const struct folder *folder, const struct identity *identity,
             const struct paxos_membership *members, uint64_t applied, uint64_t snapshot,
             struct log **log, struct paxos_stored *stored, struct fault *fault)
{
    struct log *l = calloc(1, sizeof *l);
    if (!l)
        return fault_set(fault, -ENOMEM, "log.db: out of memory");
    int status = log_db_open(&l->db, folder, identity, members, applied);
    if (status < 0)
        goto free_log;
    status = log_db_load(&l->db, applied, snapshot, stored);
    if (status < 0)
        goto close_db;
    status = uv_mutex_init(&l->mutex);
    if (status < 0)
        goto clear_stored;
    status = uv_cond_init(&l->wake);
    if (status < 0)
        goto destroy_mutex;
    l->metrics.free_bytes = l->db.free_bytes;
    STAILQ_INIT(&l->waiting);
    STAILQ_INIT(&l->done);
    STAILQ_INIT(&l->reads);
    STAILQ_INIT(&l->reads_done);
    l->keep = UINT64_MAX;
    *log = l;
    return 0;

destroy_mutex:
    uv_mutex_destroy(&l->mutex);
clear_stored:
    fault_set(&l->db.sql.fault, status, "log.db: %s", uv_strerror(status));
    log_stored_clear(stored);
close_db:
    log_db_close(&l->db);
free_log:
    *fault = l->db.sql.fault;
    free(l);
    return status;
}

int log_next_incarnation(struct log *log, uint64_t *incarnation, struct fault *fault)
{
    assert(!log->has_thread);
    int status = log_db_next_incarnation(&log->db, incarnation);
    if (status < 0)
        *fault = log->db.sql.fault;
    return status;
}

int log_start(struct log *log, uv_loop_t *loop, const struct log_callbacks *callbacks)
{
    assert(!log->has_report);
    assert(callbacks->durable && callbacks->failed && callbacks->full);
    log->callbacks = *callbacks;
    int status = uv_async_init(loop, &log->report, log_reported);
    if (status < 0)
        return status;
    log->report.data = log;
    log->has_report = true;
    status = uv_thread_create(&log->thread, log_run, log);
    log->has_thread = status == 0;
    log->ended = status < 0;
    return status;
}

int log_write(struct log *log, struct paxos_write *write)
{
    struct log_item *item = calloc(1, sizeof *item);
    assert(log->has_thread);
    assert(write->ticket > log->queued);
    if (!item)
        return -ENOMEM;
    log->queued = write->ticket;
    item->write = *write;
    memset(write, 0, sizeof *write);
    for (uint32_t i = 0; i < item->write.entry_count; i++)
        item->bytes += item->write.entries[i]->len;

    uv_mutex_lock(&log->mutex);
    STAILQ_INSERT_TAIL(&log->waiting, item, next);
    uv_mutex_unlock(&log->mutex);
    uv_cond_signal(&log->wake); /* under the mutex it would wake the thread to wait for that */
    return 0;
}

void log_keep(struct log *log, uint64_t index)
{
    uv_mutex_lock(&log->mutex);
    log->keep = index;
    uv_mutex_unlock(&log->mutex);
    uv_cond_signal(&log->wake); /* there may be dead rows now */
}

void log_read(struct log *log, struct log_read *read)
{
    assert(log->has_thread);
    assert(read->first <= read->end);
    read->count = 0;
    uv_mutex_lock(&log->mutex);
    if (log->ended) {
        read->status = -ECANCELED;
        STAILQ_INSERT_TAIL(&log->reads_done, read, next);
    } else {
        STAILQ_INSERT_TAIL(&log->reads, read, next);
    }
    uv_mutex_unlock(&log->mutex);
    uv_async_send(&log->report);
    uv_cond_signal(&log->wake);
}

void log_metrics(struct log *log, struct log_metrics *metrics)
{
    uv_mutex_lock(&log->mutex);
    *metrics = log->metrics;
    uv_mutex_unlock(&log->mutex);
    metrics->file_bytes = sql_file_bytes(&log->db.sql);
}

void log_close(struct log *log, void (*closed)(void *arg), void *arg)
{
    assert(!log->closed && closed);
    log->closed = closed;
    log->closed_arg = arg;
    if (!log->has_report) {
        log_free(log);
        closed(arg);
        return;
    }
    uv_mutex_lock(&log->mutex);
    log->stopping = true;
    uv_cond_signal(&log->wake);
    uv_mutex_unlock(&log->mutex);
    uv_async_send(&log->report); /* the thread may have ended already, and does not report again */
}
