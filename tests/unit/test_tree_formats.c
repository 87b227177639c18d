/* The formats of snapshots: the former ones byte for byte as the version that brought them wrote
 * them (kept/snapshot-FORMAT), and one that is newer than this version's. */

/* The product's description of the tables becomes the beginning of a newer one, which takes its
 * place in everything that is linked. */
#define tree_tables product_tables
#define record_format product_format
#include "store/tree_tables.c"
#undef tree_tables
#undef record_format

#include "store/tree_records.h"

#include "tree_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NEWER_FORMAT = RECORD_FORMAT + 1 };

struct table tree_tables[TABLES_MAX];
uint32_t record_format = NEWER_FORMAT;

static void add_column(const char *table, struct column column)
{
    struct table *t = tree_tables;
    uint32_t i = 0;
    while (strcmp(t->name, table) != 0)
        t++;
    while (t->columns[i].name)
        i++;
    t->columns[i] = column;
}

/* Two more tables, one with one row, and two more columns. */
static void describe_newer(void)
{
    uint32_t count = 0;
    memcpy(tree_tables, product_tables, sizeof tree_tables);
    while (tree_tables[count].name)
        count++;
    tree_tables[count] =
        (struct table){.name = "alone",
                       .format = NEWER_FORMAT,
                       .wrong = "level > 9",
                       .columns = {{"level", COLUMN_NUMBER, 0, 5}, {"text", COLUMN_BYTES, 0, 0}}};
    tree_tables[count + 1] = (struct table){.name = "many",
                                            .format = NEWER_FORMAT,
                                            .key = 1,
                                            .columns = {{NUMBER("id")}, {BYTES("address")}}};
    add_column("meta", (struct column){"later", COLUMN_NUMBER, NEWER_FORMAT, 9});
    add_column("inode", (struct column){"later", COLUMN_BYTES, NEWER_FORMAT, 0});
}

static const char later_contents[] = "UPDATE alone SET level = 7, text = x'61';"
                                     "INSERT INTO many VALUES (3, x'62'), (1, x'');"
                                     "UPDATE meta SET later = 10;"
                                     "UPDATE inode SET later = x'63' WHERE ino = 2";

/* ---- A tree ---- */

/* A little of everything: each table has rows, and some chunks are trash. */
static void fill(struct fixture *f)
{
    static char large[3101], huge[1500001];
    memset(large, 'l', 3100);
    memset(huge, 'h', 1500000);
    fixture_must(f, make_put("a/small", "contents"));
    fixture_must(f, make_put("a/large", large));
    fixture_must(f, make_put("gone", huge));
    struct op op = make_named(OP_SYMLINK, INO_ROOT, "link");
    op.data = text("a/small");
    fixture_must(f, op);
    op = make_named(OP_MKNOD, INO_ROOT, "pipe");
    op.mode = S_IFIFO | 0600;
    fixture_must(f, op);
    fixture_must(f, (struct op){.type = OP_SETATTR,
                                .ino = 3,
                                .flags = OP_SET_UID | OP_SET_GID | OP_SET_MTIME | OP_SET_ATIME,
                                .uid = 1000,
                                .gid = 100,
                                .mtime = -5,
                                .atime = 7});
    op = make_named(OP_SETXATTR, 3, "user.x");
    op.data = text("value");
    fixture_must(f, op);
    op = make_named(OP_UNLINK, INO_ROOT, "pipe");
    op.hold = 7;
    fixture_must(f, op);
    fixture_must(f, make_named(OP_UNLINK, INO_ROOT, "gone"));
    assert_int_equal(fixture_do(f, make_named(OP_UNLINK, INO_ROOT, "gone")), -ENOENT);
    assert_int_equal(tree_commit(f->tree), 0);
}

/* ---- Snapshots of it ---- */

static void take_piece(void *arg, int status, struct bytes piece, bool last)
{
    struct buffer *snapshot = arg;
    assert_int_equal(status, 0);
    buffer_append(snapshot, piece.data, piece.len);
}

static struct buffer snapshot_of(struct fixture *f, uint32_t format)
{
    struct buffer snapshot = {0};
    struct tree_reader *reader;
    uint64_t index;
    assert_int_equal(tree_reader_open(f->tree, format, &reader, &index), 0);
    while (tree_reader_next(reader, uv_default_loop(), 1000, take_piece, &snapshot) == 0)
        uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    tree_reader_close(reader);
    return snapshot;
}

static void take_status(void *arg, int status)
{
    *(int *)arg = status;
}

/* Installs a snapshot with the index of `fill`; returns the status. */
static int install(struct fixture *f, struct bytes snapshot)
{
    struct tree_writer *writer;
    assert_int_equal(tree_writer_open(f->tree, 10, &writer), 0);
    int status;
    tree_writer_add(writer, uv_default_loop(), snapshot, take_status, &status);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    if (status < 0) {
        tree_writer_abort(writer);
        return status;
    }
    tree_writer_install(writer, uv_default_loop(), take_status, &status);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    return status;
}

static struct bytes bytes_in(const struct buffer *buffer)
{
    return bytes_of(buffer->data, buffer->len);
}

static struct buffer kept_snapshot(uint32_t format)
{
    struct buffer kept = {0};
    char path[sizeof KEPT + 32];
    snprintf(path, sizeof path, KEPT "/snapshot-%u", format);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    kept.len = fread(buffer_reserve(&kept, 10000), 1, 10000, file);
    fclose(file);
    return kept;
}

static void assert_same(const struct buffer *a, const struct buffer *b)
{
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->data, b->data, a->len);
}

/* ---- Tests ---- */

static void former_formats_are_written_as_ever(void **state)
{
    struct fixture *f = *state;
    fill(f);
    for (int round = 0; round < 2; round++) {
        for (uint32_t format = RECORD_FORMAT_OLDEST; format < RECORD_FORMAT; format++) {
            struct buffer kept = kept_snapshot(format), now = snapshot_of(f, format);
            assert_same(&now, &kept);
            buffer_free(&now);
            buffer_free(&kept);
        }
        if (round == 0)
            fixture_sql(f, later_contents);
    }
}

/* Columns and tables that it lacks are as in a new tree. */
static void a_former_format_is_read(struct fixture *f, uint32_t format)
{
    struct fixture other;
    struct buffer kept = kept_snapshot(format);
    fixture_open(&other);
    fill(&other);
    fixture_sql(f, later_contents);
    assert_int_equal(install(f, bytes_in(&kept)), 0);
    assert_true(fixture_digest(f) == fixture_digest(&other));
    fixture_close(&other);
    buffer_free(&kept);
}

static void the_oldest_format_is_read(void **state)
{
    a_former_format_is_read(*state, RECORD_FORMAT_OLDEST);
}

static void the_last_format_is_read(void **state)
{
    a_former_format_is_read(*state, RECORD_FORMAT - 1);
}

static void a_newer_format_holds_more(void **state)
{
    struct fixture *f = *state, other;
    fixture_open(&other);
    fill(&other);
    uint64_t before = fixture_digest(&other);
    fixture_sql(&other, later_contents);
    assert_true(fixture_digest(&other) != before);
    struct buffer snapshot = snapshot_of(&other, NEWER_FORMAT);
    assert_int_equal(install(f, bytes_in(&snapshot)), 0);
    assert_true(fixture_digest(f) == fixture_digest(&other));
    struct buffer again = snapshot_of(f, NEWER_FORMAT);
    assert_same(&again, &snapshot);
    buffer_free(&again);
    buffer_free(&snapshot);
    fixture_close(&other);
}

static void unknown_formats_are_refused(void **state)
{
    struct fixture *f = *state, other;
    const uint32_t formats[] = {0, RECORD_FORMAT_OLDEST - 1, NEWER_FORMAT + 1, UINT32_MAX};
    fixture_open(&other);
    fill(&other);
    struct buffer snapshot = snapshot_of(&other, NEWER_FORMAT);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        memcpy(snapshot.data + 1, &formats[i], sizeof formats[i]);
        assert_int_equal(install(f, bytes_in(&snapshot)), -EBADMSG);
    }
    assert_int_equal(tree_applied(f->tree), 0);
    buffer_free(&snapshot);
    fixture_close(&other);
}

static void a_format_has_only_its_own_tables(void **state)
{
    struct fixture *f = *state, other;
    struct buffer snapshot = {0}, newer;
    fixture_open(&other);
    fill(&other);
    fixture_sql(&other, later_contents);
    newer = snapshot_of(&other, NEWER_FORMAT);
    record_put_header(&snapshot, RECORD_FORMAT_OLDEST, 10);
    buffer_append(&snapshot, newer.data + snapshot.len, newer.len - snapshot.len);
    assert_int_equal(install(f, bytes_in(&snapshot)), -EBADMSG);
    /* nor has a snapshot an end without a header */
    snapshot.len = 0;
    record_put_end(&snapshot, RECORD_FORMAT_OLDEST, (uint64_t[TABLES_MAX]){0});
    assert_int_equal(install(f, bytes_in(&snapshot)), -EBADMSG);
    buffer_free(&snapshot);
    buffer_free(&newer);
    fixture_close(&other);
}

static void damaged_rows_are_refused(void **state)
{
    static const char *const damages[] = {"DELETE FROM alone", "INSERT INTO alone DEFAULT VALUES",
                                          "UPDATE alone SET level = 10"};
    struct fixture *f = *state, other;
    fixture_open(&other);
    fill(&other);
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        fixture_sql(&other, damages[i]);
        struct buffer snapshot = snapshot_of(&other, NEWER_FORMAT);
        assert_int_equal(install(f, bytes_in(&snapshot)), -EBADMSG);
        buffer_free(&snapshot);
        fixture_sql(&other, "DELETE FROM alone; INSERT INTO alone DEFAULT VALUES");
    }
    fixture_close(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(former_formats_are_written_as_ever),
        FIXTURE_TEST(the_oldest_format_is_read),
        FIXTURE_TEST(the_last_format_is_read),
        FIXTURE_TEST(a_newer_format_holds_more),
        FIXTURE_TEST(unknown_formats_are_refused),
        FIXTURE_TEST(a_format_has_only_its_own_tables),
        FIXTURE_TEST(damaged_rows_are_refused),
    };
    describe_newer();
    int failed = cmocka_run_group_tests_name("tree_formats", tests, NULL, NULL);
    uv_loop_close(uv_default_loop());
    uv_library_shutdown();
    return failed;
}
