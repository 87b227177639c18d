/* A disk that fails at any one of its operations: everything that the log has reported must be
 * there afterwards, and failed writes must not be reported. */
#include "scratch.h"
#include "store/folder.h"
#include "store/log.h"

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

enum { ENTRY_BYTES = 3000, LARGE_BYTES = 9 * 1024 * 1024, WRITES = 24, LARGE_AT = 12 };

static const struct identity identity = {.cluster = 7, .node = 1};
static const struct paxos_membership members = {.count = 1, .members = {{.pid = 1}}};
static char dir[SCRATCH_BYTES];

/* Operations until one fails; after it all fail. Negative: none does. Any thread. */
static atomic_int until_failure = -1;
static int failure_errno;
static int failures;        /* so far */
static bool failed_in_sync; /* the first of them was a sync */

static bool disk_fails(void)
{
    if (until_failure < 0)
        return false;
    if (until_failure == 0) {
        failures++;
        errno = failure_errno;
        return true;
    }
    until_failure--;
    return false;
}

static ssize_t failing_pwrite(int fd, const void *data, size_t len, off_t offset)
{
    if (!disk_fails())
        return pwrite(fd, data, len, offset);
    if (failure_errno == ENOSPC && len > 512) /* a full disk may take a part */
        pwrite(fd, data, 512, offset);
    errno = failure_errno;
    return -1;
}

/* SQLite calls this one: it takes the place of libc's. */
int fdatasync(int fd)
{
    if (!disk_fails())
        return (int)syscall(SYS_fdatasync, fd);
    failed_in_sync |= failures == 1;
    return -1;
}

struct rig {
    struct folder *folder;
    struct log *log;
    struct paxos_stored stored;
    struct fault fault;
    uv_loop_t loop;
    uint64_t queued, durable;
    int failed;
    bool full;
};

static void on_durable(void *arg, uint64_t ticket)
{
    struct rig *rig = arg;
    assert_int_equal(rig->failed, 0);
    assert_true(ticket > rig->durable && ticket <= rig->queued);
    rig->durable = ticket;
}

static void on_failed(void *arg, int status, const char *text)
{
    struct rig *rig = arg;
    assert_int_equal(rig->failed, 0);
    assert_non_null(strstr(text, failed_in_sync ? "log.db: sync: " : "log.db: "));
    rig->failed = status;
}

/* The test does not wait for room. */
static void on_full(void *arg, bool full)
{
    assert_false(failed_in_sync); /* nobody knows what it has written */
    ((struct rig *)arg)->full = full;
}

static void on_closed(void *arg)
{
}

static int rig_open(struct rig *rig)
{
    memset(rig, 0, sizeof *rig);
    int status = folder_open(dir, &rig->folder, &rig->fault);
    assert_int_equal(status, 0);
    status = log_open(rig->folder, &identity, &members, 0, 0, &rig->log, &rig->stored, &rig->fault);
    if (status < 0)
        folder_close(rig->folder);
    return status;
}

static void rig_start(struct rig *rig)
{
    const struct log_callbacks callbacks = {on_durable, on_failed, on_full, rig};
    assert_int_equal(uv_loop_init(&rig->loop), 0);
    assert_int_equal(log_start(rig->log, &rig->loop, &callbacks), 0);
}

static void rig_stop(struct rig *rig)
{
    log_stored_clear(&rig->stored);
    log_close(rig->log, on_closed, NULL);
    uv_run(&rig->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&rig->loop), 0);
    folder_close(rig->folder);
}

static void remove_log(void)
{
    char path[SCRATCH_BYTES + 8];
    snprintf(path, sizeof path, "%s/log.db", dir);
    assert_int_equal(unlink(path), 0);
    strcat(path, "-wal");
    assert_int_equal(unlink(path), 0);
}

/* Closes a log that was not started, and removes it. */
static void rig_discard(struct rig *rig)
{
    log_close(rig->log, on_closed, NULL);
    folder_close(rig->folder);
    remove_log();
}

/* One entry at `first`, in place of all from there on, and waits for it. The round tells which
 * write it was. Returns whether it was reported, which it may be although the disk fails then. */
static bool rig_write(struct rig *rig, uint64_t round, uint64_t first, uint32_t len)
{
    struct paxos_write write = {.ticket = ++rig->queued,
                                .promise = {round, 0, 1},
                                .acc_round = {round, 0, 1},
                                .truncate = true,
                                .first = first,
                                .entry_count = 1,
                                .membership = members};
    uint8_t *bytes = malloc(len);
    write.entries = malloc(sizeof(struct paxos_entry *));
    assert_true(bytes && write.entries);
    memset(bytes, (int)round, len);
    write.entries[0] = paxos_entry_new(bytes, len);
    free(bytes);
    assert_int_equal(log_write(rig->log, &write), 0);
    while (rig->durable < rig->queued && rig->failed == 0 && !rig->full)
        uv_run(&rig->loop, UV_RUN_ONCE);
    return rig->durable == rig->queued;
}

/* Rewrites the log from 0 on, in rounds that follow `round`, until the disk fails. Returns the last
 * round that was reported. */
static uint64_t write_rounds(struct rig *rig, uint64_t round)
{
    rig_start(rig);
    for (uint64_t i = 0; i < WRITES && rig->failed == 0; i++) {
        if (!rig_write(rig, round + 1, i, i == LARGE_AT ? LARGE_BYTES : ENTRY_BYTES))
            break;
        round++;
    }
    rig_stop(rig);
    return round;
}

/* The log must be as after the round `reported`, or the next one, which may have come through
 * unreported. */
static uint64_t check(struct rig *rig, uint64_t start, uint64_t reported)
{
    if (rig_open(rig) < 0)
        fail_msg("%s", rig->fault.text);
    uint64_t found = rig->stored.acc_round.n;
    assert_true(found == reported || found == reported + 1);
    assert_int_equal(rig->stored.promise.n, found);
    if (found > start)
        assert_int_equal(rig->stored.entry_count, found - start);
    for (uint64_t i = 0; found > start && i < rig->stored.entry_count; i++)
        assert_int_equal(rig->stored.entries[i]->bytes[0], (uint8_t)(start + 1 + i));
    return found;
}

static void nothing_reported_is_lost_whatever_fails(void **state)
{
    struct rig rig;
    uint64_t round = 0;
    bool clean = false;
    int syncs_failed = 0;
    /* Every operation of the beginning, and a sample of the thousands of the large entry. */
    for (int n = 0; !clean; n += 1 + n / 6) {
        uint64_t start = round, reported = round;
        failure_errno = n % 2 == 0 ? EIO : ENOSPC;
        until_failure = n;
        failures = 0;
        failed_in_sync = false;
        int status = rig_open(&rig);
        if (status == 0)
            reported = write_rounds(&rig, round);
        else
            assert_true(status == -EIO || status == -ENOSPC);
        clean = until_failure > 0;
        until_failure = -1;
        assert_true(!clean || reported == start + WRITES);
        syncs_failed += failed_in_sync;
        round = check(&rig, start, reported);
        log_stored_clear(&rig.stored);
        log_close(rig.log, on_closed, NULL);
        folder_close(rig.folder);
    }
    assert_true(syncs_failed > 0);
}

static void a_log_that_could_not_be_made_is_made_later(void **state)
{
    struct rig rig;
    int status = -EIO;
    for (int n = 0; status < 0; n += 1 + n / 4) {
        failure_errno = n % 2 == 0 ? ENOSPC : EIO;
        until_failure = n;
        status = rig_open(&rig);
        until_failure = -1;
        if (status == 0)
            break;
        assert_true(status == -EIO || status == -ENOSPC);
        assert_non_null(strstr(rig.fault.text, "log.db: "));
        assert_int_equal(rig_open(&rig), 0);
        assert_int_equal(rig.stored.entry_count, 0);
        rig_discard(&rig);
    }
    rig_discard(&rig);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

static int prepare(void **state)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    scratch_folder(dir);
    return vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)failing_pwrite);
}

static int clean_up(void **state)
{
    return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_that_could_not_be_made_is_made_later),
        cmocka_unit_test(nothing_reported_is_lost_whatever_fails),
    };
    return cmocka_run_group_tests(tests, prepare, clean_up);
}
