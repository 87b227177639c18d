#include "log_wal.h"

#include "scratch.h"
#include "store/folder.h"
#include "store/log.h"
#include "store/log_db.h"
#include "store/seal.h"
#include "store/tree_records.h"

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const struct identity identity = {.cluster = UINT64_C(0xfedcba9876543210), .node = 2};

/* One node's log and the loop it reports to. */
struct rig {
    char dir[SCRATCH_BYTES];
    struct folder *folder;
    struct log *log;
    struct paxos_stored stored; /* found by the last open */
    struct fault fault;
    uv_loop_t loop;
    uint64_t ticket, durable; /* last written, last reported */
    uint64_t snapshot;        /* the tree's index for the next open */
    int report_fd;            /* each durable ticket is written to it; 0: to none */
    int failed;
    bool full;
    bool closed;
    struct log_state state; /* for the next write */
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

static struct rig *rig_new(void)
{
    struct rig *rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    scratch_folder(rig->dir);
    rig->state.promise = rig->state.acc_round = (struct paxos_ballot){1, 0, 2};
    rig->state.membership = paxos_membership_of((uint32_t[]){1, 2, 3}, 3, PAXOS_MEMBER);
    return rig;
}

static void rig_free(struct rig *rig)
{
    nftw(rig->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(rig);
}

static void on_durable(void *arg, uint64_t ticket)
{
    struct rig *rig = arg;
    assert_true(ticket > rig->durable);
    assert_true(ticket <= rig->ticket);
    rig->durable = ticket;
    if (rig->report_fd > 0)
        assert_int_equal(write(rig->report_fd, &ticket, sizeof ticket), sizeof ticket);
}

static void on_failed(void *arg, int status, const char *text)
{
    struct rig *rig = arg;
    assert_int_equal(rig->failed, 0);
    rig->failed = status;
    fault_set(&rig->fault, status, "%s", text);
}

static void on_full(void *arg, bool full)
{
    struct rig *rig = arg;
    assert_true(rig->full != full);
    rig->full = full;
}

static void on_closed(void *arg)
{
    ((struct rig *)arg)->closed = true;
}

static int rig_try_open(struct rig *rig, const struct identity *as, uint64_t applied)
{
    int status = folder_open(rig->dir, &rig->folder, &rig->fault);
    if (status < 0)
        return status;
    status = log_open(rig->folder, as, &rig->state.membership, applied, rig->snapshot, &rig->log,
                      &rig->stored, &rig->fault);
    if (status < 0)
        folder_close(rig->folder);
    return status;
}

/* The log is open and not started: read what it holds, or go on with rig_start. */
static void rig_open(struct rig *rig, uint64_t applied)
{
    if (rig_try_open(rig, &identity, applied) < 0)
        fail_msg("%s", rig->fault.text);
}

static void rig_start(struct rig *rig)
{
    const struct log_callbacks callbacks = {on_durable, on_failed, on_full, rig};
    rig->closed = false;
    rig->ticket = rig->durable = 0;
    assert_int_equal(uv_loop_init(&rig->loop), 0);
    assert_int_equal(log_start(rig->log, &rig->loop, &callbacks), 0);
}

static void rig_close(struct rig *rig)
{
    log_stored_clear(&rig->stored);
    log_close(rig->log, on_closed, rig);
    folder_close(rig->folder);
}

static void rig_stop(struct rig *rig)
{
    rig_close(rig);
    assert_false(rig->closed);
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    assert_true(rig->closed);
    assert_int_equal(uv_loop_close(&rig->loop), 0);
}

/* The contents of the entry with this index: its bytes follow from the index and a salt. */
static struct paxos_entry *entry_for(uint64_t index, uint64_t salt, uint32_t len)
{
    uint8_t *bytes = malloc(len + 1);
    assert_non_null(bytes);
    for (uint32_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)((index * 31 + salt * 7 + i) >> (i % 3));
    struct paxos_entry *entry = paxos_entry_new(bytes, len);
    assert_non_null(entry);
    free(bytes);
    return entry;
}

static void rig_write(struct rig *rig, bool truncate, uint64_t first, uint32_t count, uint32_t len,
                      uint64_t salt)
{
    struct paxos_write write = {.ticket = ++rig->ticket,
                                .promise = rig->state.promise,
                                .acc_round = rig->state.acc_round,
                                .decided = rig->state.decided,
                                .compacted = rig->state.compacted,
                                .truncate = truncate,
                                .first = first,
                                .entry_count = count,
                                .membership = rig->state.membership};
    if (count > 0)
        write.entries = malloc(count * sizeof(struct paxos_entry *));
    for (uint32_t i = 0; i < count; i++)
        write.entries[i] = entry_for(first + i, salt, len);
    assert_int_equal(log_write(rig->log, &write), 0);
    assert_null(write.entries);
}

static void rig_wait(struct rig *rig)
{
    while (rig->durable < rig->ticket && rig->failed == 0)
        uv_run(&rig->loop, UV_RUN_ONCE);
}

static void assert_entry(const struct rig *rig, uint64_t index, uint64_t salt, uint32_t len)
{
    struct paxos_entry *entry = entry_for(index, salt, len);
    const struct paxos_stored *s = &rig->stored;
    assert_in_range(index, s->compacted, s->compacted + s->entry_count - 1);
    const struct paxos_entry *found = s->entries[index - s->compacted];
    assert_int_equal(found->len, len);
    assert_memory_equal(found->bytes, entry->bytes, len);
    paxos_entry_unref(entry);
}

/* Runs SQL on the closed log.db and returns the first number, if any. */
static int64_t tamper(const struct rig *rig, const char *text)
{
    char path[128];
    sqlite3 *db;
    sqlite3_stmt *statement;
    int64_t number = 0;
    snprintf(path, sizeof path, "%s/log.db", rig->dir);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, seal_vfs()), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &statement, NULL), SQLITE_OK);
    if (sqlite3_step(statement) == SQLITE_ROW)
        number = sqlite3_column_int64(statement, 0);
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    sqlite3_close(db);
    log_wal_restore(rig->dir);
    return number;
}

static void assert_refused(struct rig *rig, const struct identity *as, uint64_t applied, int status,
                           const char *text)
{
    assert_int_equal(rig_try_open(rig, as, applied), status);
    if (!strstr(rig->fault.text, text))
        fail_msg("\"%s\" does not say \"%s\"", rig->fault.text, text);
}

/* ---- Reading ---- */

static void on_read(struct log_read *read)
{
    *(bool *)read->done_arg = true;
}

/* The status of a read; if it is 0, it has to bring these entries, and their end if that is `last`.
 */
static int read_log(struct rig *rig, uint64_t first, uint64_t end, size_t bytes_max, uint64_t last)
{
    bool done = false;
    struct log_read read = {
        .first = first, .end = end, .bytes_max = bytes_max, .done = on_read, .done_arg = &done};
    log_read(rig->log, &read);
    while (!done)
        uv_run(&rig->loop, UV_RUN_ONCE);
    struct reader records = reader_of(bytes_of(read.records.data, read.records.len));
    for (uint64_t i = first; read.status == 0 && i < last; i++) {
        struct paxos_entry *entry = entry_for(i, 0, 100);
        assert_int_equal(reader_u8(&records), RECORD_ENTRY);
        struct bytes found = reader_bytes(&records);
        assert_int_equal(found.len, entry->len);
        assert_memory_equal(found.data, entry->bytes, entry->len);
        paxos_entry_unref(entry);
    }
    if (read.status == 0 && last == end) {
        assert_int_equal(reader_u8(&records), RECORD_LAST);
        assert_int_equal(reader_u64(&records), end);
    }
    assert_true(read.status < 0 || reader_left(&records) == 0);
    buffer_free(&read.records);
    return read.status;
}

/* ---- The tests ---- */

/* What a node with a slow line still has to fetch stays in the file, but not longer. */
static void void_entries_are_kept_and_read(void **state)
{
    struct rig *rig = rig_new();
    rig_open(rig, 0);
    rig_start(rig);
    log_keep(rig->log, 30);
    rig_write(rig, false, 0, 100, 100, 0);
    rig->state.decided = rig->state.compacted = 80;
    rig_write(rig, false, 100, 1, 100, 0);
    rig_wait(rig);
    while (read_log(rig, 0, 20, 1 << 20, 20) == 0) /* they go piece by piece */
        ;
    assert_int_equal(read_log(rig, 0, 20, 1 << 20, 20), -ENOENT);
    assert_int_equal(read_log(rig, 29, 40, 1 << 20, 40), -ENOENT);
    assert_int_equal(read_log(rig, 30, 101, 1 << 20, 101), 0);
    assert_int_equal(read_log(rig, 40, 101, 250, 43), 0);
    assert_int_equal(read_log(rig, 101, 101, 250, 101), 0);
    assert_int_equal(read_log(rig, 90, 102, 1 << 20, 102), -ENOENT);
    log_keep(rig->log, 60);
    while (read_log(rig, 59, 101, 1 << 20, 101) == 0)
        ;
    assert_int_equal(read_log(rig, 60, 101, 1 << 20, 101), 0);
    log_keep(rig->log, UINT64_MAX);
    while (read_log(rig, 79, 101, 1 << 20, 101) == 0)
        ;
    assert_int_equal(read_log(rig, 80, 101, 1 << 20, 101), 0);
    rig_stop(rig);
    rig_free(rig);
}

static void a_log_reads_back_as_it_was_written(void **state)
{
    struct rig *rig = rig_new();
    rig_open(rig, 0);
    assert_int_equal(rig->stored.entry_count, 0);
    assert_int_equal(rig->stored.promise.n, 0);
    rig_start(rig);
    for (uint64_t i = 0; i < 100; i++)
        rig_write(rig, false, i, 1, (uint32_t)i * 50, 0); /* the first one is empty */
    rig_wait(rig);
    struct log_metrics metrics;
    log_metrics(rig->log, &metrics);
    assert_int_equal(metrics.entries, 100);
    assert_int_equal(metrics.bytes, 99 * 100 / 2 * 50);
    assert_in_range(metrics.commits, 1, 100);
    assert_true(metrics.file_bytes >= LOG_WAL_BYTES);
    rig->state.decided = 60;
    rig->state.promise = (struct paxos_ballot){3, 9, 1};
    rig_write(rig, false, 0, 0, 0, 0);
    rig_stop(rig); /* queued writes are still written, and reported */
    assert_int_equal(rig->durable, rig->ticket);

    rig_open(rig, 0);
    assert_int_equal(rig->stored.promise.n, 3);
    assert_int_equal(rig->stored.promise.priority, 9);
    assert_int_equal(rig->stored.promise.pid, 1);
    assert_int_equal(rig->stored.acc_round.n, 1);
    assert_int_equal(rig->stored.decided, 60);
    assert_int_equal(rig->stored.entry_count, 100);
    for (uint64_t i = 0; i < 100; i++)
        assert_entry(rig, i, 0, (uint32_t)i * 50);
    rig_close(rig);
    rig_free(rig);
}

static void a_truncated_tail_is_replaced(void **state)
{
    struct rig *rig = rig_new();
    rig_open(rig, 0);
    rig_start(rig);
    rig_write(rig, false, 0, 20, 100, 1);
    rig_write(rig, true, 5, 3, 100, 2); /* in the same transaction or the next */
    rig_wait(rig);
    rig_write(rig, true, 6, 1, 100, 3);
    rig_wait(rig);
    rig_stop(rig);

    rig_open(rig, 0);
    assert_int_equal(rig->stored.entry_count, 7);
    assert_entry(rig, 4, 1, 100);
    assert_entry(rig, 5, 2, 100);
    assert_entry(rig, 6, 3, 100);
    rig_close(rig);
    rig_free(rig);
}

/* The row of the state is written when anything in it but `decided` has changed, entries or not:
 * one of the ballots in one of its parts, or both alike. */
static void ballots_that_come_with_entries_are_stored(void **state)
{
    const struct paxos_ballot steps[][2] = {
        {{1, 0, 2}, {0, 0, 0}}, {{1, 0, 2}, {1, 0, 2}}, {{1, 5, 2}, {1, 0, 2}},
        {{1, 5, 2}, {1, 5, 2}}, {{1, 5, 3}, {1, 5, 2}}, {{1, 5, 3}, {1, 5, 3}},
        {{2, 5, 3}, {2, 5, 3}}, {{2, 6, 3}, {2, 6, 3}}, {{2, 6, 4}, {2, 6, 4}},
    };
    struct rig *rig = rig_new();
    for (uint64_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        rig_open(rig, 0);
        rig_start(rig);
        rig->state.promise = steps[i][0];
        rig->state.acc_round = steps[i][1];
        rig_write(rig, false, i, 1, 100, 0);
        rig_stop(rig);
        rig_open(rig, 0);
        assert_memory_equal(&rig->stored.promise, &steps[i][0], sizeof steps[i][0]);
        assert_memory_equal(&rig->stored.acc_round, &steps[i][1], sizeof steps[i][1]);
        assert_int_equal(rig->stored.entry_count, i + 1);
        rig_close(rig);
    }
    rig_free(rig);
}

static void the_largest_entries_fit(void **state)
{
    enum { LARGE = 8 * 1024 * 1024 + 64 * 1024 };
    struct rig *rig = rig_new();
    rig_open(rig, 0);
    rig_start(rig);
    for (uint64_t i = 0; i < 3; i++)
        rig_write(rig, false, i, 1, LARGE, i);
    rig_wait(rig);
    rig_stop(rig);
    rig_open(rig, 0);
    for (uint64_t i = 0; i < 3; i++)
        assert_entry(rig, i, i, LARGE);
    rig_close(rig);
    rig_free(rig);
}

static void dead_rows_go_when_the_log_is_idle(void **state)
{
    enum { ROWS = 5000, KEPT = 10 };
    struct rig *rig = rig_new();
    rig_open(rig, 0);
    rig_start(rig);
    rig_write(rig, false, 0, ROWS, 200, 0);
    rig_wait(rig);
    rig->state.decided = rig->state.compacted = ROWS - KEPT;
    rig_write(rig, false, 0, 0, 0, 0);
    struct log_metrics metrics;
    do {
        uv_run(&rig->loop, UV_RUN_ONCE);
        log_metrics(rig->log, &metrics);
    } while (metrics.commits < 2 + (ROWS - KEPT) / LOG_TRIM_ROWS); /* the last one takes the rest */
    rig_stop(rig);
    assert_int_equal(tamper(rig, "SELECT min(idx) FROM entry"), ROWS - KEPT);
    assert_int_equal(tamper(rig, "SELECT count(*) FROM entry"), KEPT);
    rig_free(rig);
}

static void dead_rows_of_before_are_not_read(void **state)
{
    struct rig *rig = rig_new();
    rig_open(rig, 0);
    rig_start(rig);
    rig_write(rig, false, 0, 20, 200, 0);
    rig_stop(rig);
    tamper(rig, "UPDATE state SET decided = 12, compacted = 10");
    rig_open(rig, 10);
    assert_int_equal(rig->stored.compacted, 10);
    assert_int_equal(rig->stored.entry_count, 10);
    assert_entry(rig, 10, 0, 200);
    rig->state.decided = 12;
    rig->state.compacted = 10;
    rig_start(rig);
    rig_write(rig, false, 20, 1, 200, 0);
    rig_stop(rig);
    assert_int_equal(tamper(rig, "SELECT min(idx) FROM entry"), 10);
    assert_int_equal(tamper(rig, "SELECT max(idx) FROM entry"), 20);
    rig_free(rig);
}

static void a_snapshot_makes_the_log_begin_anew(void **state)
{
    struct rig *rig = rig_new();
    rig_open(rig, 0);
    rig_start(rig);
    rig_write(rig, false, 0, 10, 100, 0);
    rig->state.decided = rig->state.compacted = 1000;
    rig_write(rig, true, 1000, 2, 100, 0);
    rig_stop(rig);
    rig_open(rig, 1000);
    assert_int_equal(rig->stored.compacted, 1000);
    assert_int_equal(rig->stored.entry_count, 2);
    rig_close(rig);

    /* The tree cannot have applied what the log has not had. */
    assert_refused(rig, &identity, 5000, -EUCLEAN, "ends before what the tree has applied");

    /* Another one was installed just before a crash: the tree is ahead of the log. */
    rig->snapshot = 5000;
    for (int i = 0; i < 2; i++) {
        rig_open(rig, 5000);
        assert_int_equal(rig->stored.compacted, 5000);
        assert_int_equal(rig->stored.decided, 5000);
        assert_int_equal(rig->stored.entry_count, 0);
        assert_int_equal(rig->stored.promise.n, 1);
        rig_close(rig);
    }
    assert_int_equal(tamper(rig, "SELECT count(*) FROM entry"), 0);
    rig_free(rig);
}

static void a_snapshot_within_the_log_voids_what_is_below(void **state)
{
    struct rig *rig = rig_new();
    rig_open(rig, 0);
    rig_start(rig);
    rig_write(rig, false, 0, 10, 100, 0);
    rig_stop(rig);

    /* Installed just before a crash: entries 0 to 5 were accepted and perhaps never decided. */
    rig->snapshot = 6;
    for (int i = 0; i < 2; i++) {
        rig_open(rig, 8);
        assert_int_equal(rig->stored.compacted, 6);
        assert_int_equal(rig->stored.decided, 8);
        assert_int_equal(rig->stored.entry_count, 4);
        assert_entry(rig, 6, 0, 100);
        rig_close(rig);
    }
    assert_int_equal(tamper(rig, "SELECT compacted FROM state"), 6);
    rig_free(rig);
}

static void decided_is_at_least_what_was_applied(void **state)
{
    struct rig *rig = rig_new();
    rig_open(rig, 0);
    rig_start(rig);
    rig_write(rig, false, 0, 10, 100, 0);
    rig_stop(rig);
    rig_open(rig, 7);
    assert_int_equal(rig->stored.decided, 7);
    assert_int_equal(rig->stored.compacted, 0);
    assert_int_equal(rig->stored.entry_count, 10);
    rig_close(rig);
    rig_free(rig);
}

static void incarnations_rise(void **state)
{
    struct rig *rig = rig_new();
    uint64_t last = 0, next;
    for (int i = 0; i < 3; i++) {
        rig_open(rig, 0);
        for (int j = 0; j < 100; j++) {
            assert_int_equal(log_next_incarnation(rig->log, &next, &rig->fault), 0);
            assert_true(next >= last + LOG_INCARNATION_STEP);
            last = next;
        }
        rig_close(rig);
    }
    rig_free(rig);
}

static void folders_of_others_are_refused(void **state)
{
    struct rig *rig = rig_new();
    struct identity other_cluster = {.cluster = 1, .node = identity.node};
    struct identity other_node = {.cluster = identity.cluster, .node = 3};
    rig_open(rig, 0);
    rig_close(rig);
    assert_refused(rig, &other_cluster, 0, -EINVAL, "belongs to another cluster");
    assert_refused(rig, &other_node, 0, -EINVAL, "belongs to node 2 of the cluster, not to node 3");
    tamper(rig, "PRAGMA user_version = 7");
    assert_refused(rig, &identity, 0, -EINVAL,
                   "has format 7 and this quorumfs knows formats 3 to 6");
    tamper(rig, "PRAGMA user_version = 0");
    assert_refused(rig, &identity, 0, -EINVAL, "not a database of quorumfs");
    tamper(rig, "PRAGMA user_version = 4"); /* its tables are those of format 6 */
    rig_open(rig, 0);
    rig_close(rig);
    rig_free(rig);
}

static void a_log_that_does_not_fit_is_refused(void **state)
{
    struct rig *rig = rig_new();
    assert_refused(rig, &identity, 5, -EINVAL, "log.db is missing although tree.db holds data");
    rig_open(rig, 0);
    rig_start(rig);
    rig->state.decided = rig->state.compacted = 5;
    rig_write(rig, true, 5, 10, 100, 0);
    rig_stop(rig);
    assert_refused(rig, &identity, 4, -EINVAL,
                   "tree.db holds 4 entries, but the log begins only after 5");
    tamper(rig, "DELETE FROM entry WHERE idx = 7");
    assert_refused(rig, &identity, 5, -EUCLEAN, "an entry is missing");
    tamper(rig, "DELETE FROM entry WHERE idx >= 7");
    tamper(rig, "UPDATE state SET decided = 8");
    assert_refused(rig, &identity, 5, -EUCLEAN, "decided entries are missing");
    tamper(rig, "UPDATE state SET decided = 4");
    assert_refused(rig, &identity, 5, -EUCLEAN, "compacted beyond what is decided");
    tamper(rig, "UPDATE state SET decided = 5, round_n = promise_n + 1");
    assert_refused(rig, &identity, 5, -EUCLEAN, "accepted round is above its promise");
    tamper(rig, "UPDATE state SET round_n = promise_n, incarnation = -1");
    assert_refused(rig, &identity, 5, -EUCLEAN, "incarnation is beyond all that can be");
    rig_free(rig);
}

static void a_second_process_is_refused(void **state)
{
    struct rig *rig = rig_new();
    rig_open(rig, 0);
    pid_t child = fork();
    if (child == 0) {
        struct folder *folder;
        struct fault fault;
        int status = folder_open(rig->dir, &folder, &fault);
        _exit(status == -EBUSY && strstr(fault.text, "another quorumfs is running") ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    rig_close(rig);
    rig_free(rig);
}

/* Appends one to three entries a ticket, without end, and keeps the last hundreds. Entry i has the
 * salt 0 and length 100 + i % 300, so the parent knows what must be there. */
static void write_until_killed(struct rig *rig, int report_fd, uint64_t next)
{
    rig->report_fd = report_fd;
    rig_open(rig, next);
    rig->state.decided = rig->stored.decided;
    rig->state.compacted = rig->stored.compacted;
    rig_start(rig);
    for (uint64_t i = next;;) {
        uint32_t count = 1 + (uint32_t)(i % 3);
        rig_write(rig, false, i, count, 250, 0);
        i += count;
        /* Decided entries are durable, so the index trails far enough behind. */
        if (i > rig->state.decided + 1000)
            rig->state.decided = i - 1000;
        if (rig->state.decided > rig->state.compacted + 1000)
            rig->state.compacted = rig->state.decided;
        while (rig->ticket > rig->durable + 50)
            uv_run(&rig->loop, UV_RUN_ONCE);
        uv_run(&rig->loop, UV_RUN_NOWAIT);
    }
}

/* How many entries the first `tickets` writes of write_until_killed have appended to `next`. */
static uint64_t end_after(uint64_t next, uint64_t tickets)
{
    for (uint64_t t = 0; t < tickets; t++)
        next += 1 + next % 3;
    return next;
}

static void nothing_reported_is_lost_by_a_kill(void **state)
{
    struct rig *rig = rig_new();
    unsigned seed = (unsigned)time(NULL);
    uint64_t next = 0;
    print_message("seed %u\n", seed);
    srand(seed);
    for (int round = 0; round < 8; round++) {
        int report[2];
        uint64_t ticket, reported = 0;
        assert_int_equal(pipe(report), 0);
        pid_t child = fork();
        if (child == 0) {
            close(report[0]);
            write_until_killed(rig, report[1], next);
        }
        close(report[1]);
        int until = 1 + rand() % 300;
        for (int i = 0; i < until; i++)
            assert_int_equal(read(report[0], &reported, sizeof reported), sizeof reported);
        kill(child, SIGKILL);
        while (read(report[0], &ticket, sizeof ticket) == sizeof ticket)
            reported = ticket;
        waitpid(child, NULL, 0);
        close(report[0]);

        uint64_t sure = end_after(next, reported);
        rig_open(rig, sure);
        uint64_t end = rig->stored.compacted + rig->stored.entry_count;
        assert_true(rig->stored.entry_count > 0 && end >= sure);
        for (uint64_t i = rig->stored.compacted; i < end; i++)
            assert_entry(rig, i, 0, 250);
        next = end;
        rig_close(rig);
    }
    rig_free(rig);
}

/* The disk is full where a file has so many bytes. */
static void limit_files(rlim_t bytes)
{
    const struct rlimit limit = {bytes, RLIM_INFINITY};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void write_until_full(struct rig *rig)
{
    while (!rig->full) {
        rig_write(rig, false, rig->ticket, 1, 1024 * 1024, 0);
        while (rig->durable < rig->ticket && !rig->full)
            uv_run(&rig->loop, UV_RUN_ONCE);
    }
}

/* Room comes back once; then the log is closed on the full disk. */
static int fill_the_disk(struct rig *rig, int report_fd)
{
    signal(SIGXFSZ, SIG_IGN);
    limit_files(LOG_WAL_BYTES + 1024 * 1024);
    rig->report_fd = report_fd;
    rig_open(rig, 0);
    rig_start(rig);
    write_until_full(rig);
    uint64_t before = rig->durable;
    assert_true(before < rig->ticket);
    limit_files(LOG_WAL_BYTES + 4 * 1024 * 1024);
    rig_wait(rig);
    assert_false(rig->full);
    write_until_full(rig);
    assert_true(rig->durable >= before + 2);
    rig_write(rig, false, rig->ticket, 1, 1, 0); /* goes nowhere, and harms nothing */
    rig_stop(rig);
    return rig->failed == -ENOSPC && strstr(rig->fault.text, "log.db: ") ? 0 : 1;
}

static void a_full_disk_is_waited_out_and_opens_again(void **state)
{
    struct rig *rig = rig_new();
    uint64_t ticket, reported = 0;
    int report[2], status;
    assert_int_equal(pipe(report), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(fill_the_disk(rig, report[1]));
    close(report[1]);
    while (read(report[0], &ticket, sizeof ticket) == sizeof ticket)
        reported = ticket;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(reported >= 8);
    close(report[0]);

    rig_open(rig, 0);
    assert_int_equal(rig->stored.entry_count, reported);
    for (uint64_t i = 0; i < reported; i++)
        assert_entry(rig, i, 0, 1024 * 1024);
    rig_start(rig);
    rig_write(rig, false, reported, 1, 1024 * 1024, 0);
    rig_wait(rig);
    rig_stop(rig);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(void_entries_are_kept_and_read),
        cmocka_unit_test(a_log_reads_back_as_it_was_written),
        cmocka_unit_test(a_truncated_tail_is_replaced),
        cmocka_unit_test(ballots_that_come_with_entries_are_stored),
        cmocka_unit_test(the_largest_entries_fit),
        cmocka_unit_test(dead_rows_go_when_the_log_is_idle),
        cmocka_unit_test(dead_rows_of_before_are_not_read),
        cmocka_unit_test(a_snapshot_makes_the_log_begin_anew),
        cmocka_unit_test(a_snapshot_within_the_log_voids_what_is_below),
        cmocka_unit_test(decided_is_at_least_what_was_applied),
        cmocka_unit_test(incarnations_rise),
        cmocka_unit_test(folders_of_others_are_refused),
        cmocka_unit_test(a_log_that_does_not_fit_is_refused),
        cmocka_unit_test(a_second_process_is_refused),
        cmocka_unit_test(nothing_reported_is_lost_by_a_kill),
        cmocka_unit_test(a_full_disk_is_waited_out_and_opens_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
