/* The membership in log.db: a folder is new until it is told otherwise, and keeps its number. */
#include "scratch.h"
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
    char dir[SCRATCH_BYTES];
    struct paxos_membership members; /* with which it is opened */
    struct folder *folder;
    struct log_db db;
    struct paxos_stored stored;
};

static int try_open(struct rig *rig, uint64_t applied, uint64_t snapshot)
{
    struct fault fault;
    assert_int_equal(folder_open(rig->dir, &rig->folder, &fault), 0);
    assert_int_equal(log_db_open(&rig->db, rig->folder, &identity, &rig->members, 0), 0);
    return log_db_load(&rig->db, applied, snapshot, &rig->stored);
}

static void close_db(struct rig *rig)
{
    log_stored_clear(&rig->stored);
    log_db_close(&rig->db);
    folder_close(rig->folder);
}

static struct paxos_membership members_of(uint32_t count)
{
    static const uint32_t pids[] = {3, 1, 2, 4, 9, 8, 7, 6, 5};
    return paxos_membership_of(pids, count, PAXOS_FRESH);
}

static void rig_open(struct rig *rig)
{
    rig->members = members_of(3);
    scratch_folder(rig->dir);
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
    assert_membership(&one, &one.members);
    assert_int_not_equal(one.stored.folder, 0);
    assert_int_not_equal(one.stored.folder, other.stored.folder);
    uint64_t number = one.stored.folder;
    reopen(&one, 0, 0);
    assert_int_equal(one.stored.folder, number);
    rig_end(&one);
    rig_end(&other);
}

static void a_membership_reads_back_as_it_was_written(void **state)
{
    struct rig rig;
    struct paxos_membership membership = members_of(PAXOS_NODES_MAX);
    membership.standing = PAXOS_MEMBER;
    for (uint32_t i = 0; i < PAXOS_NODES_MAX; i++) {
        membership.members[i].life = 3 * i;
        membership.members[i].folder = UINT64_MAX - i;
    }
    membership.members[8].pid = UINT32_MAX;
    rig_open(&rig);
    put(&rig, &membership);
    reopen(&rig, 0, 0);
    assert_membership(&rig, &membership);
    membership.members[2].life++;
    membership.members[8] = (struct paxos_member){0};
    membership.count--;
    put(&rig, &membership);
    reopen(&rig, 0, 0);
    assert_membership(&rig, &membership);
    rig_end(&rig);
}

/* The node died between the snapshot that it joined by and the log's hearing of it. */
static void a_snapshot_makes_nobody_a_member(void **state)
{
    struct rig rig;
    rig_open(&rig);
    struct paxos_membership joining = rig.members;
    joining.standing = PAXOS_JOINING;
    joining.members[1].life = 4;
    put(&rig, &joining);
    reopen(&rig, 10, 10);
    assert_membership(&rig, &joining);
    reopen(&rig, 10, 10);
    assert_membership(&rig, &joining);
    rig_end(&rig);
}

static void the_members_are_those_of_the_first_start(void **state)
{
    struct rig rig;
    rig_open(&rig);
    struct paxos_membership first = rig.members;
    rig.members = members_of(5);
    reopen(&rig, 0, 0);
    assert_membership(&rig, &first);
    rig_end(&rig);
}

/* As format 3 had it; `rows` of its table. */
static void become_former(struct rig *rig, const char *rows)
{
    static const char former[] =
        "DROP TABLE member;"
        "CREATE TABLE node (rank INTEGER PRIMARY KEY, life INTEGER NOT NULL,"
        " folder INTEGER NOT NULL);"
        "ALTER TABLE owner DROP COLUMN told;"
        "PRAGMA user_version = 3;";
    assert_int_equal(sql_exec(&rig->db.sql, former), 0);
    assert_int_equal(sql_exec(&rig->db.sql, rows), 0);
}

static void a_former_folder_gets_its_members(void **state)
{
    struct rig rig;
    rig_open(&rig);
    struct paxos_membership membership = rig.members;
    become_former(&rig, "UPDATE state SET standing = 0;"
                        "INSERT INTO node VALUES (0, 3, 11), (1, 0, -1), (2, 5, 33), (3, 0, 0),"
                        " (4, 0, 0), (5, 0, 0), (6, 0, 0), (7, 0, 0), (8, 0, 0)");
    membership.standing = PAXOS_MEMBER;
    membership.members[0] = (struct paxos_member){1, 3, 11};
    membership.members[1] = (struct paxos_member){2, 0, UINT64_MAX};
    membership.members[2] = (struct paxos_member){3, 5, 33};
    reopen(&rig, 0, 0);
    assert_membership(&rig, &membership);
    rig.members = members_of(5);
    reopen(&rig, 0, 0);
    assert_membership(&rig, &membership);
    rig_end(&rig);
}

/* It was never told anything. */
static void a_former_folder_may_be_new(void **state)
{
    struct rig rig;
    rig_open(&rig);
    become_former(&rig, "");
    reopen(&rig, 0, 0);
    assert_membership(&rig, &rig.members);
    rig_end(&rig);
}

static void nonsense_is_damage(void **state)
{
    static const char *const wrong[] = {"UPDATE state SET standing = 3",
                                        "UPDATE state SET standing = -1",
                                        "UPDATE state SET folder = 0",
                                        "UPDATE state SET standing = 1, promise_n = 1, round_n = 1",
                                        "DELETE FROM member",
                                        "DELETE FROM member WHERE pid = 2",
                                        "REPLACE INTO member VALUES (0, 0, 0)",
                                        "REPLACE INTO member VALUES (-1, 0, 0)",
                                        "REPLACE INTO member VALUES (4294967296, 0, 0)",
                                        "REPLACE INTO member VALUES (3, -1, 0)",
                                        "REPLACE INTO member VALUES (3, 1073741824, 0)",
                                        "INSERT INTO member VALUES (11, 0, 0), (12, 0, 0),"
                                        " (13, 0, 0), (14, 0, 0), (15, 0, 0), (16, 0, 0),"
                                        " (17, 0, 0)"};
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
        cmocka_unit_test(a_membership_reads_back_as_it_was_written),
        cmocka_unit_test(a_snapshot_makes_nobody_a_member),
        cmocka_unit_test(the_members_are_those_of_the_first_start),
        cmocka_unit_test(a_former_folder_gets_its_members),
        cmocka_unit_test(a_former_folder_may_be_new),
        cmocka_unit_test(nonsense_is_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
