/* Folders of former formats: they are brought up to date when they are opened, whole or not at
 * all, and keep their contents. */
#include "former_folder.h"
#include "tree_fixture.h"

#include "command/level.h"
#include "store/log.h"
#include "store/tree_records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct identity identity = {.cluster = 77, .node = 1};

/* etc/app/port and its second name, etc/link; and a file that node 2 holds without a name. */
static const char tree_rows[] =
    "INSERT INTO meta VALUES (9, 6, 1, 5000, 5, 8, 1234);"
    "INSERT INTO snapshot VALUES (4);"
    "INSERT INTO inode VALUES (1, 16895, 3, 0, 0, 0, 1, 0, 1, 0, 1000, 1000, 1, 0, x'');"
    "INSERT INTO inode VALUES (2, 16877, 3, 0, 0, 0, 2, 0, 3, 0, 1000, 1000, 1, 0, x'');"
    "INSERT INTO inode VALUES (3, 16877, 2, 0, 0, 0, 1, 0, 2, 0, 1000, 1000, 2, 0, x'');"
    "INSERT INTO inode VALUES (4, 33188, 2, 5, 6, 0, 4, 4, 3, 0, 1000, 1000, 0, 0, x'38303830');"
    "INSERT INTO inode VALUES (5, 33188, 0, 5, 6, 0, 4, 4, 8, 0, 1000, 1000, 0, 0, x'676f6e65');"
    "INSERT INTO dentry VALUES (1, CAST('etc' AS BLOB), 2);"
    "INSERT INTO dentry VALUES (2, CAST('app' AS BLOB), 3);"
    "INSERT INTO dentry VALUES (2, CAST('link' AS BLOB), 4);"
    "INSERT INTO dentry VALUES (3, CAST('port' AS BLOB), 4);"
    "INSERT INTO held VALUES (2, 5);"
    "INSERT INTO xattr VALUES (4, CAST('user.a' AS BLOB), CAST('b' AS BLOB));"
    "INSERT INTO session VALUES (1, 1, 7);";

static const char log_rows[] =
    "INSERT INTO entry VALUES (1, x'00'), (2, x'0102'), (3, x'030405');"
    "UPDATE state SET promise_n = 5, promise_pid = 2, round_n = 4, round_pid = 3, decided = 3,"
    " compacted = 1, incarnation = 11, standing = 0, folder = 99";

/* A folder with a former tree.db, which is not open. */
static void former_fixture(struct fixture *f)
{
    *f = (struct fixture){.node = 1, .incarnation = 1, .sequence = 7, .time = 9000};
    scratch_folder(f->path);
    former_tree(f->path, &identity, tree_rows);
}

static int64_t format_of(const struct fixture *f, const char *name)
{
    return former_number(f->path, name, "PRAGMA user_version");
}

static void check_tree(struct fixture *f)
{
    struct buffer value = {0};
    assert_int_equal(tree_snapshot(f->tree), 4);
    assert_int_equal(fixture_resolve(f, "etc/app/port").ino, 4);
    assert_int_equal(fixture_resolve(f, "etc/link").nlink, 2);
    fixture_assert_contents(f, 4, "8080");
    fixture_assert_contents(f, 5, "gone");
    assert_int_equal(tree_getxattr(f->tree, 4, text("user.a"), &value), 0);
    assert_true(bytes_equal(bytes_of(value.data, value.len), text("b")));
    buffer_free(&value);
}

static void a_former_tree_is_upgraded(void **state)
{
    struct fixture f;
    former_fixture(&f);
    assert_int_equal(format_of(&f, "tree.db"), 3);
    fixture_attach(&f);
    assert_int_equal(tree_applied(f.tree), 9);
    assert_int_equal(tree_history(f.tree), 1234);
    check_tree(&f);
    assert_int_equal(fixture_do(&f, make_put("etc/app/host", "here")), 0);
    assert_int_equal(fixture_do(&f, make_rename(2, "link", 1, "moved", 0)), 0);
    assert_int_equal(fixture_do(&f, make_rename(1, "moved", 2, "link", 0)), 0);
    fixture_check(&f);
    fixture_detach(&f);
    assert_int_equal(format_of(&f, "tree.db"), FOLDER_FORMAT);

    fixture_attach(&f);
    assert_int_equal(tree_applied(f.tree), 12);
    check_tree(&f);
    fixture_check(&f);
    fixture_close(&f);
}

/* What this version has made becomes a folder of format 4, which lacks the tables of locks
 * and the history of changes. */
static void a_tree_of_format_4_is_upgraded(void **state)
{
    struct fixture f;
    fixture_open(&f);
    fixture_must(&f, make_put("a", "1"));
    fixture_detach(&f);
    fixture_sql(&f, "DROP TABLE lock_session; DROP TABLE lock; DROP TABLE lock_wait;"
                    "DROP TABLE lease; DROP TABLE ttl; DROP TABLE lease_file; DROP TABLE event;"
                    "DROP TABLE ephemeral; DROP TABLE token;"
                    "PRAGMA user_version = 4");
    fixture_attach(&f);
    fixture_assert_contents(&f, fixture_resolve(&f, "a").ino, "1");
    assert_int_equal(former_number(f.path, "tree.db", "SELECT count(*) FROM lock_wait"), 0);
    fixture_must(&f, (struct op){.type = OP_LEVEL, .size = LEVEL_WATCH});
    fixture_must(&f, make_put("after", "1"));
    assert_int_equal(tree_events_since(f.tree), 2);
    fixture_check(&f);
    fixture_detach(&f);
    assert_int_equal(format_of(&f, "tree.db"), FOLDER_FORMAT);
    fixture_close(&f);
}

/* Format 5 lacks tokens, and leases did not know who had made them. */
static void a_tree_of_format_5_is_upgraded(void **state)
{
    struct fixture f;
    struct tree_lease lease;
    struct tree_token token;
    fixture_open(&f);
    fixture_must(&f, (struct op){.type = OP_LEVEL, .size = LEVEL_LEASES});
    fixture_must(&f, (struct op){.type = OP_LEASE, .lease = 7, .size = 1000});
    fixture_detach(&f);
    fixture_sql(&f, "DROP TABLE token; ALTER TABLE lease DROP COLUMN uid;"
                    "ALTER TABLE lease DROP COLUMN token; PRAGMA user_version = 5");
    fixture_attach(&f);
    assert_int_equal(tree_lease_get(f.tree, 7, &lease), 0);
    assert_true(lease.ms == 1000 && lease.uid == 0 && lease.token == 0);
    assert_int_equal(tree_token_next(f.tree, text(""), &token), -ENOENT);
    fixture_must(&f, (struct op){.type = OP_LEASE_RENEW, .lease = 7});
    fixture_check(&f);
    fixture_detach(&f);
    assert_int_equal(format_of(&f, "tree.db"), FOLDER_FORMAT);
    fixture_close(&f);
}

static void log_closed(void *arg)
{
}

static void a_former_log_is_upgraded(void **state)
{
    struct paxos_stored stored = {0};
    struct fixture f;
    former_fixture(&f);
    former_log(f.path, &identity, log_rows);
    struct paxos_membership members = paxos_membership_of((uint32_t[]){1, 2, 3}, 3, PAXOS_FRESH);
    struct log *log;
    struct folder *folder;
    struct fault fault;
    for (int round = 0; round < 2; round++) {
        assert_int_equal(format_of(&f, "log.db"), round == 0 ? 3 : FOLDER_FORMAT);
        assert_int_equal(folder_open(f.path, &folder, &fault), 0);
        if (log_open(folder, &identity, &members, 3, 0, &log, &stored, &fault) < 0)
            fail_msg("%s", fault.text);
        assert_int_equal(stored.promise.n, 5);
        assert_int_equal(stored.acc_round.pid, 3);
        assert_int_equal(stored.decided, 3);
        assert_int_equal(stored.compacted, 1);
        assert_int_equal(stored.entry_count, 3);
        assert_memory_equal(stored.entries[2]->bytes, "\3\4\5", 3);
        assert_int_equal(stored.folder, 99);
        log_stored_clear(&stored);
        log_close(log, log_closed, NULL);
        folder_close(folder);
    }
    fixture_close(&f);
}

static void refused(const struct fixture *f, const char *why)
{
    struct folder *folder;
    struct fault fault;
    assert_int_equal(folder_open(f->path, &folder, &fault), 0);
    struct tree *tree;
    assert_int_equal(tree_open(folder, &identity, &tree, &fault), -EINVAL);
    if (!strstr(fault.text, why))
        fail_msg("%s", fault.text);
    folder_close(folder);
}

static void unknown_formats_are_refused(void **state)
{
    struct fixture f;
    former_fixture(&f);
    fixture_sql(&f, "PRAGMA user_version = 2");
    refused(&f, "tree.db: the folder has format 2 and this quorumfs knows formats 3 to 6");
    fixture_sql(&f, "PRAGMA user_version = 7");
    refused(&f, "tree.db: the folder has format 7 and this quorumfs knows formats 3 to 6");
    fixture_sql(&f, "PRAGMA user_version = 3; UPDATE owner SET node = 2");
    refused(&f, "belongs to node 2");
    assert_int_equal(format_of(&f, "tree.db"), 3); /* a refused folder is left as it is */
    fixture_close(&f);
}

static void an_upgrade_is_whole_or_not_at_all(void **state)
{
    struct fixture f;
    former_fixture(&f);
    fixture_sql(&f, "CREATE TABLE way (in_the_way)");
    struct fault fault;
    struct folder *folder;
    assert_int_equal(folder_open(f.path, &folder, &fault), 0);
    struct tree *tree;
    assert_true(tree_open(folder, &identity, &tree, &fault) < 0);
    folder_close(folder);
    assert_int_equal(format_of(&f, "tree.db"), 3);
    assert_int_equal(
        former_number(f.path, "tree.db", "SELECT count(*) FROM pragma_table_info('inode')"), 15);
    fixture_sql(&f, "DROP TABLE way");
    fixture_attach(&f);
    check_tree(&f);
    fixture_check(&f);
    fixture_close(&f);
}

static void keep_piece(void *arg, int status, struct bytes piece, bool last)
{
    assert_int_equal(status, 0);
    buffer_append(arg, piece.data, piece.len);
}

/* Nodes of earlier versions read it. */
static void snapshots_keep_their_format(void **state)
{
    struct buffer piece = {0};
    struct fixture f;
    fixture_open(&f);
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    uint64_t index;
    struct tree_reader *reader;
    assert_int_equal(tree_reader_open(f.tree, RECORD_FORMAT_OLDEST, &reader, &index), 0);
    assert_int_equal(tree_reader_next(reader, &loop, 1000, keep_piece, &piece), 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    tree_reader_close(reader);
    struct reader header = reader_of(bytes_of(piece.data, piece.len));
    assert_int_equal(reader_u8(&header), RECORD_HEADER);
    assert_int_equal(reader_u32(&header), 3);
    buffer_free(&piece);
    assert_int_equal(uv_loop_close(&loop), 0);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_former_tree_is_upgraded),
        cmocka_unit_test(a_tree_of_format_4_is_upgraded),
        cmocka_unit_test(a_tree_of_format_5_is_upgraded),
        cmocka_unit_test(a_former_log_is_upgraded),
        cmocka_unit_test(an_upgrade_is_whole_or_not_at_all),
        cmocka_unit_test(unknown_formats_are_refused),
        cmocka_unit_test(snapshots_keep_their_format),
    };
    return cmocka_run_group_tests_name("upgrade", tests, NULL, NULL);
}
