/* Who is a member, in log.db: a folder is new until it is told otherwise, and keeps its number. */
#include "store/log.h"
#include "store/log_db.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const struct identity identity = {.cluster = 7, .node = 2};

struct rig {
    char dir[64];
    struct folder *folder;
    struct log_db db;
    struct paxos_stored stored;
};

static int try_open(struct rig *rig, uint64_t applied, uint64_t snapshot)
{
    struct fault fault;
    assert_int_equal(folder_open(rig->dir, &rig->folder, &fault), 0);
    assert_int_equal(log_db_open(&rig->db, rig->folder, &identity, 0), 0);
    return log_db_load(&rig->db, applied, snapshot, &rig->stored);
}

static void close_db(struct rig *rig)
{
    log_stored_clear(&rig->stored);
    log_db_close(&rig->db);
    folder_close(rig->folder);
}

static void rig_open(struct rig *rig)
{
    strcpy(rig->dir, "/tmp/quorumfs-membership-XXXXXX");
    assert_non_null(mkdtemp(rig->dir));
    assert_int_equal(try_open(rig, 0, 0), 0);
}

static void reopen(struct rig *rig, uint64_t applied, uint64_t snapshot)
{
    close_db(rig);
    assert_int_equal(try_open(rig, applied, snapshot), 0);
}

static void rig_end(struct rig *rig)
{
    static const char *const files[] = {"log.db", "log.db-wal", "lock"};
    char path[128];
    close_db(rig);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", rig->dir, files[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(rig->dir), 0);
}

static void put(struct rig *rig, const struct paxos_membership *membership)
{
    assert_int_equal(log_db_begin(&rig->db), 0);
    assert_int_equal(log_db_put(&rig->db, &(struct paxos_write){.membership = *membership}), 0);
    assert_int_equal(log_db_commit(&rig->db), 0);
}

static void assert_membership(const struct rig *rig, const struct paxos_membership *membership)
{
    assert_memory_equal(&rig->stored.membership, membership, sizeof *membership);
}

/* ---- The tests ---- */

static void a_new_folder_is_fresh_and_has_a_number(void **state)
{
    struct rig one, other;
    rig_open(&one);
    rig_open(&other);
    assert_membership(&one, &(struct paxos_membership){.standing = PAXOS_FRESH});
    assert_int_not_equal(one.stored.folder, 0);
    assert_int_not_equal(one.stored.folder, other.stored.folder);
    uint64_t number = one.stored.folder;
    reopen(&one, 0, 0);
    assert_int_equal(one.stored.folder, number);
    rig_end(&one);
    rig_end(&other);
}

static void what_was_written_is_found(void **state)
{
    struct rig rig;
    struct paxos_membership membership = {.standing = PAXOS_MEMBER};
    for (uint32_t i = 0; i < PAXOS_NODES_MAX; i++) {
        membership.lives[i] = 3 * i;
        membership.folders[i] = UINT64_MAX - i;
    }
    rig_open(&rig);
    put(&rig, &membership);
    reopen(&rig, 0, 0);
    assert_membership(&rig, &membership);
    membership.lives[2]++;
    put(&rig, &membership);
    reopen(&rig, 0, 0);
    assert_membership(&rig, &membership);
    rig_end(&rig);
}

/* The node died between the snapshot that it joined by and the log's hearing of it. */
static void a_snapshot_makes_nobody_a_member(void **state)
{
    struct rig rig;
    const struct paxos_membership joining = {.standing = PAXOS_JOINING, .lives = {0, 4}};
    rig_open(&rig);
    put(&rig, &joining);
    reopen(&rig, 10, 10);
    assert_membership(&rig, &joining);
    reopen(&rig, 10, 10);
    assert_membership(&rig, &joining);
    rig_end(&rig);
}

static void nonsense_is_damage(void **state)
{
    static const char *const wrong[] = {"UPDATE state SET standing = 3",
                                        "UPDATE state SET standing = -1",
                                        "UPDATE state SET folder = 0",
                                        "UPDATE state SET standing = 1, promise_n = 1, round_n = 1",
                                        "REPLACE INTO node VALUES (9, 0, 0)",
                                        "REPLACE INTO node VALUES (-1, 0, 0)",
                                        "REPLACE INTO node VALUES (1, -1, 0)",
                                        "REPLACE INTO node VALUES (1, 1073741824, 0)"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct rig rig;
        rig_open(&rig);
        assert_int_equal(sql_exec(&rig.db.sql, wrong[i]), 0);
        close_db(&rig);
        assert_int_equal(try_open(&rig, 0, 0), -EUCLEAN);
        assert_non_null(strstr(rig.db.sql.fault.text, "damaged"));
        rig_end(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_folder_is_fresh_and_has_a_number),
        cmocka_unit_test(what_was_written_is_found),
        cmocka_unit_test(a_snapshot_makes_nobody_a_member),
        cmocka_unit_test(nonsense_is_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
