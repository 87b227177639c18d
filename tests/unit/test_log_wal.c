/* A log whose WAL was removed or cut has forgotten what was in it, and is not opened as if it knew.
 */
#include "log_wal.h"
#include "scratch.h"

#include "store/log_db.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ENTRY_BYTES = 100000, LAST = 7 };

static const struct identity identity = {.cluster = 7, .node = 1};
static const struct paxos_membership members = {.count = 1, .members = {{.pid = 1}}};

struct scene {
    char path[SCRATCH_BYTES];
    struct folder *folder;
};

static void begin(struct scene *s)
{
    struct fault fault;
    scratch_folder(s->path);
    assert_int_equal(folder_open(s->path, &s->folder, &fault), 0);
}

static void end(struct scene *s)
{
    char command[2 * SCRATCH_BYTES];
    folder_close(s->folder);
    snprintf(command, sizeof command, "rm -r %s", s->path);
    assert_int_equal(system(command), 0);
}

static void put(struct log_db *db, uint64_t first, uint32_t len)
{
    static uint8_t bytes[ENTRY_BYTES];
    struct paxos_write write = {.promise = {first + 1, 0, 1},
                                .acc_round = {first + 1, 0, 1},
                                .first = first,
                                .entry_count = 1,
                                .membership = members};
    write.entries = calloc(1, sizeof *write.entries);
    write.entries[0] = paxos_entry_new(bytes, len);
    assert_int_equal(log_db_begin(db), 0);
    assert_int_equal(log_db_put(db, &write), 0);
    assert_int_equal(log_db_commit(db), 0);
    paxos_write_clear(&write);
}

/* A log of so many large entries; it is written back when it is long enough. A small one comes
 * last. */
static void fill(struct scene *s, uint64_t entries)
{
    struct log_db db;
    struct paxos_stored stored;
    assert_int_equal(log_db_open(&db, s->folder, &identity, &members, 0), 0);
    assert_int_equal(log_db_load(&db, 0, 0, &stored), 0);
    for (uint64_t i = 0; i < entries; i++)
        put(&db, i, ENTRY_BYTES);
    assert_int_equal(log_db_checkpoint(&db), 0);
    put(&db, entries, LAST);
    log_db_close(&db);
}

static int open_again(struct scene *s, struct fault *fault, uint64_t *entries)
{
    struct log_db db;
    int status = log_db_open(&db, s->folder, &identity, &members, 0);
    *fault = db.sql.fault;
    if (status < 0)
        return status;
    struct paxos_stored stored = {0};
    assert_int_equal(log_db_load(&db, 0, 0, &stored), 0);
    *entries = stored.entry_count;
    for (uint64_t i = 0; i < stored.entry_count; i++)
        paxos_entry_unref(stored.entries[i]);
    free(stored.entries);
    log_db_close(&db);
    return 0;
}

static void wal_path(const struct scene *s, char path[2 * SCRATCH_BYTES])
{
    snprintf(path, 2 * SCRATCH_BYTES, "%s/log.db-wal", s->path);
}

static void expect_refusal(struct scene *s)
{
    struct fault fault;
    uint64_t entries;
    assert_int_equal(open_again(s, &fault, &entries), -EINVAL);
    assert_non_null(strstr(fault.text, "log.db-wal is missing or was cut"));
}

static void it_is_refused_without_it(void **state)
{
    struct scene s;
    char wal[2 * SCRATCH_BYTES];
    begin(&s);
    fill(&s, 80);
    wal_path(&s, wal);
    assert_int_equal(unlink(wal), 0);
    for (int again = 0; again < 3; again++) /* trying to open it must not make one */
        expect_refusal(&s);
    end(&s);
}

static void it_is_refused_if_it_was_cut(void **state)
{
    struct scene s;
    char wal[2 * SCRATCH_BYTES];
    begin(&s);
    fill(&s, 80);
    wal_path(&s, wal);
    assert_int_equal(truncate(wal, LOG_WAL_BYTES - 1), 0);
    expect_refusal(&s);
    assert_int_equal(truncate(wal, 0), 0);
    expect_refusal(&s);
    end(&s);
}

static void with_it_nothing_is_missing(void **state)
{
    struct scene s;
    struct fault fault;
    uint64_t entries;
    begin(&s);
    fill(&s, 80);
    assert_int_equal(open_again(&s, &fault, &entries), 0);
    assert_int_equal(entries, 81);
    end(&s);
}

/* It holds nothing then, not even a folder's number: a new one begins, which the others know for
 * one that may have forgotten. */
static void a_log_that_was_never_written_back_is_new_without_it(void **state)
{
    struct scene s;
    struct fault fault;
    char wal[2 * SCRATCH_BYTES];
    uint64_t entries;
    begin(&s);
    fill(&s, 1);
    wal_path(&s, wal);
    assert_int_equal(unlink(wal), 0);
    assert_int_equal(open_again(&s, &fault, &entries), 0);
    assert_int_equal(entries, 0);
    end(&s);
}

/* The process may have ended before the WAL had its length. */
static void a_log_that_was_hardly_begun_is_opened(void **state)
{
    struct scene s;
    struct fault fault;
    char wal[2 * SCRATCH_BYTES];
    uint64_t entries;
    begin(&s);
    fill(&s, 1);
    wal_path(&s, wal);
    assert_int_equal(truncate(wal, LOG_WAL_BYTES / 2), 0);
    assert_int_equal(open_again(&s, &fault, &entries), 0);
    assert_int_equal(entries, 2);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_refused_without_it),
        cmocka_unit_test(it_is_refused_if_it_was_cut),
        cmocka_unit_test(with_it_nothing_is_missing),
        cmocka_unit_test(a_log_that_was_never_written_back_is_new_without_it),
        cmocka_unit_test(a_log_that_was_hardly_begun_is_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
