/* A snapshot as the former version (level 1) sends it: each kind of record reads as it did, the
 * whole becomes a tree, and that tree sends the same bytes again.
 *
 * The rows of tests/former/snapshot.txt are its records, each with its columns as text:
 * `test_former_snapshot --print` writes such rows. */
#include "tree_fixture.h"

#include "store/tree_records.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { APPLIED = 21, LAST_SEQUENCE = 17, SHORT_BYTES = 40, PIECE_BYTES = 1000 };

struct row {
    const char *columns;
    const char *hex;
};

static const struct row rows[] = {
#include "../former/snapshot.txt"
};
enum { ROWS = sizeof rows / sizeof *rows };

static uv_loop_t *loop;

/* ---- Calls that wait ---- */

struct waiting {
    bool done, last;
    int status;
    struct bytes piece;
};

static void wait_for(struct waiting *w)
{
    while (!w->done)
        uv_run(loop, UV_RUN_ONCE);
}

static void piece_read(void *arg, int status, struct bytes piece, bool last)
{
    *(struct waiting *)arg =
        (struct waiting){.done = true, .status = status, .piece = piece, .last = last};
}

static void stepped(void *arg, int status)
{
    *(struct waiting *)arg = (struct waiting){.done = true, .status = status};
}

/* All pieces of the tree in one. */
static struct buffer snapshot_of(struct fixture *f, uint64_t *index)
{
    struct buffer all = {0};
    struct tree_reader *reader;
    struct waiting w = {0};
    assert_int_equal(tree_reader_open(f->tree, RECORD_FORMAT_OLDEST, &reader, index), 0);
    while (!w.last) {
        w = (struct waiting){0};
        assert_int_equal(tree_reader_next(reader, loop, PIECE_BYTES, piece_read, &w), 0);
        wait_for(&w);
        assert_int_equal(w.status, 0);
        buffer_append(&all, w.piece.data, w.piece.len);
    }
    tree_reader_close(reader);
    return all;
}

/* ---- Records as text ---- */

static void describe_bytes(struct buffer *out, struct bytes bytes)
{
    bool plain = bytes.len <= SHORT_BYTES;
    for (size_t i = 0; plain && i < bytes.len; i++)
        plain = bytes.data[i] >= ' ' && bytes.data[i] < 127 && !strchr("\"'\\", bytes.data[i]);
    if (plain)
        buffer_printf(out, " '%.*s'", (int)bytes.len, (const char *)bytes.data);
    else
        buffer_printf(out, " %zu bytes", bytes.len);
}

static void describe_row(struct reader *r, int columns, struct buffer *out)
{
    for (int i = 0; i < columns; i++) {
        if (reader_u8(r) == 1)
            buffer_printf(out, " %lld", (long long)reader_u64(r));
        else
            describe_bytes(out, reader_bytes(r));
    }
}

/* The next record; its layout is that of the former version, whatever this one has. */
static void describe_record(struct reader *r, struct buffer *out)
{
    static const struct {
        const char *name;
        int columns;
    } tables[] = {{"meta", 7}, {"session", 3}, {"result", 3}, {"inode", 15},
                  {"held", 2}, {"dentry", 3},  {"chunk", 2},  {"xattr", 3}};
    uint8_t tag = reader_u8(r);
    if (tag == 254) {
        uint32_t format = reader_u32(r);
        buffer_printf(out, "header %u %llu", format, (unsigned long long)reader_u64(r));
    } else if (tag == 255) {
        buffer_printf(out, "end");
        for (int i = 0; i < 8; i++)
            buffer_printf(out, " %llu", (unsigned long long)reader_u64(r));
    } else {
        assert_true(tag < sizeof tables / sizeof *tables);
        buffer_printf(out, "%s", tables[tag].name);
        describe_row(r, tables[tag].columns, out);
    }
    buffer_put_u8(out, '\0');
    assert_false(r->bad || out->failed);
}

/* ---- The tree that the rows were made of ---- */

/* The only place that makes inodes of each kind: their numbers are 2, 3, ... in this order. */
static void make_tree(struct fixture *f)
{
    char large[3073];
    memset(large, 'L', sizeof large);
    struct op put = {.type = OP_PUT, .name = text("keys/large"), .data = bytes_of(large, 3073)};
    fixture_must(f, make_put("keys/small", "value")); /* inodes 2, 3 */
    fixture_must(f, put);
    uint64_t ino = fixture_make_file(f, INO_ROOT, "sparse");
    fixture_must(f, make_write(ino, 5 * 16384 + 4096, "behind a hole"));
    f->node = 2;
    f->incarnation = 7;
    f->sequence = 1;
    fixture_must(f, (struct op){.type = OP_MKNOD,
                                .ino = INO_ROOT,
                                .name = text("device"),
                                .mode = S_IFCHR | 0600,
                                .rdev = 259});
    fixture_must(f, (struct op){.type = OP_SYMLINK,
                                .ino = INO_ROOT,
                                .name = bytes_of("odd \xff name", 10),
                                .data = text("to nowhere"),
                                .uid = 1000,
                                .gid = 100});
    ino = fixture_make_dir(f, INO_ROOT, "folder");
    uint64_t file = fixture_make_file(f, ino, "file");
    fixture_must(f, (struct op){.type = OP_LINK, .ino = ino, .name = text("again"), .ino2 = file});
    fixture_must(
        f, (struct op){.type = OP_SETATTR,
                       .flags = OP_SET_MODE | OP_SET_UID | OP_SET_GID | OP_SET_ATIME | OP_SET_MTIME,
                       .ino = file,
                       .mode = 04755,
                       .uid = 12,
                       .gid = UINT32_MAX - 1,
                       .atime = -1,
                       .mtime = INT64_C(1700000000123456789)});
    fixture_must(
        f, (struct op){
               .type = OP_SETXATTR, .ino = file, .name = text("user.name"), .data = text("value")});
    fixture_must(f, (struct op){.type = OP_SETXATTR, .ino = ino, .name = text("user.empty")});
    file = fixture_make_file(f, ino, "held");
    fixture_must(f, make_write(file, 0, "read on"));
    fixture_must(f, (struct op){.type = OP_UNLINK, .ino = ino, .name = text("held"), .hold = file});
    file = fixture_make_file(f, ino, "gone");
    fixture_must(f, (struct op){.type = OP_WRITE, .ino = file, .data = bytes_of(large, 3073)});
    fixture_must(f, (struct op){.type = OP_UNLINK, .ino = ino, .name = text("gone")});
    assert_int_equal(fixture_do(f, make_named(OP_UNLINK, ino, "gone")), -ENOENT);
    assert_int_equal(fixture_do(f, (struct op){.type = OP_DELETE, .name = text("folder")}),
                     -EISDIR);
    fixture_must(f, make_rename(ino, "file", INO_ROOT, "moved", 0));
}

static int print(void)
{
    struct fixture f;
    uint64_t index;
    fixture_open(&f);
    make_tree(&f);
    struct buffer all = snapshot_of(&f, &index), columns = {0};
    struct reader r = reader_of(bytes_of(all.data, all.len));
    while (reader_left(&r) > 0) {
        const uint8_t *from = r.at;
        columns.len = 0;
        describe_record(&r, &columns);
        printf("{\"%s\", \"", (const char *)columns.data);
        for (; from < r.at; from++)
            printf("%02x", *from);
        printf("\"},\n");
    }
    buffer_free(&columns);
    buffer_free(&all);
    fixture_close(&f);
    return 0;
}

/* ---- Tests ---- */

static struct buffer bytes_of_hex(const char *hex)
{
    struct buffer b = {0};
    for (; hex[0]; hex += 2)
        buffer_put_u8(&b, (uint8_t)strtoul((char[]){hex[0], hex[1], 0}, NULL, 16));
    return b;
}

static void each_record_reads_as_it_did(void **state)
{
    struct buffer columns = {0};
    for (size_t i = 0; i < ROWS; i++) {
        struct buffer was = bytes_of_hex(rows[i].hex);
        struct reader r = reader_of(bytes_of(was.data, was.len));
        columns.len = 0;
        describe_record(&r, &columns);
        assert_string_equal((const char *)columns.data, rows[i].columns);
        assert_int_equal(reader_left(&r), 0);
        buffer_free(&was);
    }
    buffer_free(&columns);
}

/* One record a piece. */
static void install_rows(struct fixture *f)
{
    struct tree_writer *writer;
    assert_int_equal(tree_writer_open(f->tree, APPLIED, &writer), 0);
    for (size_t i = 0; i < ROWS; i++) {
        struct buffer was = bytes_of_hex(rows[i].hex);
        struct waiting w = {0};
        tree_writer_add(writer, loop, bytes_of(was.data, was.len), stepped, &w);
        wait_for(&w);
        if (w.status < 0)
            fail_msg("%s: %d", rows[i].columns, w.status);
        buffer_free(&was);
    }
    struct waiting w = {0};
    tree_writer_install(writer, loop, stepped, &w);
    wait_for(&w);
    assert_int_equal(w.status, 0);
}

static void assert_sends_rows(struct fixture *f)
{
    uint64_t index;
    struct buffer all = snapshot_of(f, &index);
    size_t at = 0;
    assert_int_equal(index, APPLIED);
    for (size_t i = 0; i < ROWS; i++) {
        struct buffer was = bytes_of_hex(rows[i].hex);
        if (at + was.len > all.len || memcmp(all.data + at, was.data, was.len) != 0)
            fail_msg("%s: is sent in another way", rows[i].columns);
        at += was.len;
        buffer_free(&was);
    }
    assert_int_equal(at, all.len);
    buffer_free(&all);
}

static void the_same_commands_make_the_same_snapshot(void **state)
{
    make_tree(*state);
    assert_sends_rows(*state);
}

/* Compares the tree's answers with the rows. */
static void assert_serves(struct fixture *f)
{
    struct buffer out = {0};
    struct attr attr = fixture_resolve(f, "moved");
    assert_int_equal(attr.mode, S_IFREG | 04755);
    assert_int_equal(attr.nlink, 2);
    assert_int_equal(attr.uid, 12);
    assert_true(attr.gid == UINT32_MAX - 1 && attr.atime == -1);
    assert_true(attr.mtime == INT64_C(1700000000123456789));
    assert_true(fixture_resolve(f, "folder/again").ino == attr.ino);
    assert_int_equal(tree_getxattr(f->tree, attr.ino, text("user.name"), &out), 0);
    assert_true(bytes_equal(bytes_of(out.data, out.len), text("value")));
    buffer_free(&out);
    fixture_assert_contents(f, fixture_resolve(f, "keys/small").ino, "value");
    attr = fixture_resolve(f, "sparse");
    assert_int_equal(attr.size, 5 * 16384 + 4096 + strlen("behind a hole"));
    assert_int_equal(attr.used, 8192);
    assert_int_equal(fixture_resolve(f, "device").rdev, 259);
    assert_int_equal(fixture_resolve(f, "folder/held").ino, 0);
}

static void it_becomes_a_tree_that_sends_it_again(void **state)
{
    struct fixture *f = *state, made;
    install_rows(f);
    assert_int_equal(tree_applied(f->tree), APPLIED);
    fixture_open(&made);
    make_tree(&made);
    assert_true(fixture_digest(f) == fixture_digest(&made));
    assert_true(tree_history(f->tree) == tree_history(made.tree));
    fixture_close(&made);
    assert_serves(f);
    assert_sends_rows(f);
    fixture_reopen(f);
    assert_serves(f);
    assert_sends_rows(f);
}

/* The exactly-once rows and the held inodes came with it. */
static void it_goes_on_from_there(void **state)
{
    struct fixture *f = *state;
    struct command_result result;
    install_rows(f);
    assert_int_equal(tree_recall(f->tree, 2, 7, LAST_SEQUENCE, &result), 0);
    assert_int_equal(result.status, 0);
    command_result_free(&result);
    f->node = 2;
    f->incarnation = 7;
    f->sequence = LAST_SEQUENCE + 1;
    uint64_t held = fixture_resolve(f, "moved").ino + 1;
    fixture_assert_contents(f, held, "read on");
    fixture_must(f, make_write(held, 0, "R"));
    assert_int_equal(fixture_do(f, (struct op){.type = OP_RELEASE, .ino = held}), 0);
    assert_true(fixture_gone(f, held));
    fixture_must(f, make_put("keys/small", "changed"));
}

int main(int argc, char **argv)
{
    loop = uv_default_loop();
    if (argc == 2 && strcmp(argv[1], "--print") == 0)
        return print();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_record_reads_as_it_did),
        FIXTURE_TEST(the_same_commands_make_the_same_snapshot),
        FIXTURE_TEST(it_becomes_a_tree_that_sends_it_again),
        FIXTURE_TEST(it_goes_on_from_there),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    uv_loop_close(loop);
    return failed;
}
