/* The key tree: attributes, times, extended attributes, contents. */
#include "tree_fixture.h"

#include "store/tree_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- Attributes, times ---- */

static void times_never_go_back(void **state)
{
    struct fixture *f = *state;
    f->time = 5000;
    uint64_t ino = fixture_make_file(f, INO_ROOT, "a");
    assert_int_equal(fixture_getattr(f, ino).mtime, 5000);
    assert_int_equal(fixture_getattr(f, INO_ROOT).mtime, 5000);
    f->time = 4000; /* a clock that is behind */
    fixture_must(f, make_write(ino, 0, "x"));
    assert_int_equal(fixture_getattr(f, ino).mtime, 5001);
    assert_int_equal(fixture_getattr(f, ino).ctime, 5001);
    assert_int_equal(fixture_getattr(f, INO_ROOT).mtime, 5000);
    f->time = UINT64_MAX; /* one that is broken */
    fixture_must(f, make_write(ino, 0, "y"));
    assert_true(fixture_getattr(f, ino).mtime > 5001);
    uint64_t broken = fixture_getattr(f, ino).mtime;
    fixture_must(f, make_write(ino, 0, "z"));
    assert_int_equal(fixture_getattr(f, ino).mtime, broken + 1);
}

/* Access times: as made, then as set, also before 1970; nothing else changes them. */
static void access_times_are_as_made_or_as_set(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_make_file(f, INO_ROOT, "a");
    struct attr made = fixture_getattr(f, ino), set;
    assert_int_equal(made.atime, made.mtime);
    fixture_must(f, make_write(ino, 0, "x"));
    assert_int_equal(fixture_getattr(f, ino).atime, made.atime);

    struct op op = {.type = OP_SETATTR, .ino = ino, .flags = OP_SET_ATIME, .atime = -1500000000};
    set = fixture_must(f, op);
    assert_int_equal(set.atime, -1500000000);
    assert_true(set.ctime > made.ctime && set.mtime > made.mtime);
    fixture_reopen(f);
    assert_int_equal(fixture_getattr(f, ino).atime, -1500000000);

    op.flags = OP_SET_ATIME_NOW;
    set = fixture_must(f, op);
    assert_int_equal(set.atime, set.ctime);
}

static void attributes_are_set(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_make_file(f, INO_ROOT, "a");
    struct op op = {.type = OP_SETATTR, .ino = ino, .flags = OP_SET_MODE, .mode = S_IFDIR | 06755};
    struct attr before = fixture_getattr(f, ino), after = fixture_must(f, op);
    assert_int_equal(after.mode, S_IFREG | 06755);
    assert_int_equal(after.mtime, before.mtime);
    assert_true(after.ctime > before.ctime);
    op.flags = OP_SET_UID | OP_SET_GID | OP_KILL_PRIV;
    op.uid = 3;
    op.gid = 4;
    after = fixture_must(f, op);
    assert_int_equal(after.mode, S_IFREG | 0755);
    assert_int_equal(after.uid, 3);
    assert_int_equal(after.gid, 4);
    op.flags = OP_SET_MTIME;
    op.mtime = 42;
    assert_int_equal(fixture_must(f, op).mtime, 42);
    op.flags = OP_SET_MTIME_NOW;
    after = fixture_must(f, op);
    assert_int_equal(after.mtime, after.ctime);
    op.ino = 777;
    assert_int_equal(fixture_do(f, op), -ESTALE);
    /* setgid without group execution is mandatory locking, not a privilege */
    op = (struct op){.type = OP_SETATTR, .ino = ino, .flags = OP_SET_MODE, .mode = 06644};
    fixture_must(f, op);
    struct op write = make_write(ino, 0, "x");
    write.flags = OP_KILL_PRIV;
    assert_int_equal(fixture_must(f, write).mode, S_IFREG | 02644);
    /* but goes with a change by somebody outside of the group */
    write.outsider = 1;
    assert_int_equal(fixture_must(f, write).mode, S_IFREG | 0644);
    /* so does a value that is put */
    fixture_must(f, op);
    struct op put = make_put("a", "y");
    assert_int_equal(fixture_must(f, put).mode, S_IFREG | 06644);
    put.flags = OP_KILL_PRIV;
    assert_int_equal(fixture_must(f, put).mode, S_IFREG | 02644);
}

static struct op xattr(uint64_t ino, const char *name, const char *value, uint32_t flags)
{
    return (struct op){
        .type = OP_SETXATTR, .ino = ino, .name = text(name), .data = text(value), .flags = flags};
}

static void extended_attributes_are_set_and_listed(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_make_file(f, INO_ROOT, "a");
    struct buffer out = {0};
    struct op remove = {.type = OP_REMOVEXATTR, .ino = ino, .name = text("user.b")};
    assert_int_equal(fixture_do(f, xattr(ino, "user.b", "1", OP_XATTR_REPLACE)), -ENODATA);
    fixture_must(f, xattr(ino, "user.b", "1", OP_XATTR_CREATE));
    assert_int_equal(fixture_do(f, xattr(ino, "user.b", "2", OP_XATTR_CREATE)), -EEXIST);
    fixture_must(f, xattr(ino, "user.b", "3", OP_XATTR_REPLACE));
    fixture_must(f, xattr(ino, "user.a", "", 0));
    assert_int_equal(tree_getxattr(f->tree, ino, text("user.b"), &out), 0);
    assert_true(bytes_equal(bytes_of(out.data, out.len), text("3")));
    out.len = 0;
    assert_int_equal(tree_listxattr(f->tree, ino, &out), 0);
    assert_memory_equal(out.data, "user.a\0user.b\0", 14);
    assert_int_equal(out.len, 14);
    buffer_free(&out);
    fixture_must(f, remove);
    assert_int_equal(fixture_do(f, remove), -ENODATA);
    assert_int_equal(tree_getxattr(f->tree, ino, text("user.b"), &out), -ENODATA);
    assert_int_equal(fixture_do(f, xattr(ino, "", "x", 0)), -ERANGE);
    assert_int_equal(tree_getxattr(f->tree, ino, text(""), &out), -ERANGE);
    remove.name = text("");
    assert_int_equal(fixture_do(f, remove), -ERANGE);
    assert_int_equal(fixture_do(f, xattr(99, "user.a", "x", 0)), -ESTALE);
}

static void extended_attributes_have_limits(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_make_file(f, INO_ROOT, "a");
    struct op op = xattr(ino, "user.big", "", 0);
    int stored = 0, status;
    char name[300];
    memset(name, 'x', sizeof name);
    op.data.data = calloc(1, XATTR_VALUE_BYTES_MAX + 1);
    op.data.len = XATTR_VALUE_BYTES_MAX + 1;
    assert_int_equal(fixture_do(f, op), -E2BIG);
    op.data.len = XATTR_VALUE_BYTES_MAX;
    op.name = bytes_of(name, 256);
    assert_int_equal(fixture_do(f, op), -ERANGE);
    op.name = bytes_of(name, 200);
    do {
        name[0] = (char)('A' + stored++);
        status = fixture_do(f, op);
    } while (status == 0);
    assert_int_equal(status, -ENOSPC);
    assert_int_equal(stored, 16);
    name[0] = 'A'; /* to replace one needs no more room */
    assert_int_equal(fixture_do(f, op), 0);
    free((void *)op.data.data);
    fixture_must(f, make_named(OP_UNLINK, INO_ROOT, "a"));
}

/* ---- Contents ---- */

static void writes_and_appends_change_a_file(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_make_file(f, INO_ROOT, "a");
    struct op op = {.type = OP_APPEND, .ino = ino, .data = text("one")};
    struct op_result out;
    assert_int_equal(fixture_run(f, &op, 1, &out), 0);
    assert_int_equal(out.offset, 0);
    assert_int_equal(fixture_run(f, &op, 1, &out), 0);
    assert_int_equal(out.offset, 3);
    assert_int_equal(out.attr.size, 6);
    op.flags = OP_TRUNCATE_FIRST;
    op.data = text("two");
    assert_int_equal(fixture_run(f, &op, 1, &out), 0);
    assert_int_equal(out.offset, 0);
    fixture_assert_contents(f, ino, "two");
    op = make_write(ino, 1, "XY");
    op.flags = OP_TRUNCATE_FIRST;
    fixture_must(f, op);
    struct buffer bytes = {0};
    assert_int_equal(tree_read(f->tree, ino, 0, 10, &bytes), 0);
    assert_int_equal(bytes.len, 3);
    assert_memory_equal(bytes.data, "\0XY", 3);
    buffer_free(&bytes);
    uint64_t revision = fixture_getattr(f, ino).revision;
    fixture_must(f, make_write(ino, 0, "")); /* nothing written, nothing changed */
    assert_int_equal(fixture_getattr(f, ino).revision, revision);
    op.data = text("");
    op.offset = 0;
    assert_int_equal(fixture_must(f, op).size, 0);
}

static void impossible_changes_of_a_file_are_refused(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_make_file(f, INO_ROOT, "a");
    struct op cut = {.type = OP_TRUNCATE, .ino = ino, .size = FILE_BYTES_MAX + 1};
    struct op punch = {.type = OP_PUNCH, .ino = ino};
    struct op append = {.type = OP_APPEND, .ino = ino, .data = text("x")};
    struct buffer out = {0};
    assert_int_equal(fixture_do(f, make_write(ino, FILE_BYTES_MAX, "x")), -EFBIG);
    assert_int_equal(fixture_do(f, make_write(ino, UINT64_MAX, "x")), -EFBIG);
    assert_int_equal(fixture_do(f, cut), -EFBIG);
    cut.type = OP_ALLOCATE;
    assert_int_equal(fixture_do(f, cut), -EFBIG);
    assert_int_equal(fixture_do(f, punch), -EINVAL);
    punch.size = UINT64_MAX;
    assert_int_equal(fixture_do(f, punch), -EFBIG);
    cut.type = OP_TRUNCATE;
    cut.size = FILE_BYTES_MAX;
    assert_int_equal(fixture_must(f, cut).size, FILE_BYTES_MAX);
    assert_int_equal(fixture_do(f, append), -EFBIG);
    assert_int_equal(fixture_do(f, make_write(INO_ROOT, 0, "x")), -EISDIR);
    assert_int_equal(tree_read(f->tree, INO_ROOT, 0, 1, &out), -EISDIR);
    assert_int_equal(tree_read(f->tree, 99, 0, 1, &out), -ESTALE);
}

/* Each file that is not inline takes a number, and there is an end to them. */
static void numbers_of_contents_run_out(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_make_file(f, INO_ROOT, "a");
    char *large = calloc(1, INLINE_BYTES_MAX + 2);
    memset(large, 'x', INLINE_BYTES_MAX + 1);
    f->tree->counters.next_data = DATA_MAX;
    assert_int_equal(fixture_do(f, make_put("a", large)), -ENOSPC);
    assert_int_equal(fixture_do(f, make_put("b", large)), -ENOSPC);
    assert_int_equal(fixture_do(f, make_write(ino, INLINE_BYTES_MAX, "x")), -ENOSPC);
    large[INLINE_BYTES_MAX] = 0;
    fixture_must(f, make_put("a", large));
    free(large);
}

static void holes_read_as_zeros(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_make_file(f, INO_ROOT, "big");
    uint64_t far = UINT64_C(5) << 30, found;
    struct buffer out = {0};
    fixture_must(f, make_write(ino, 0, "start"));
    struct attr attr = fixture_must(f, make_write(ino, far, "end"));
    assert_int_equal(attr.size, far + 3);
    assert_true(attr.used <= 64 * 1024);
    assert_int_equal(tree_read(f->tree, ino, far - 4, 100, &out), 0);
    assert_int_equal(out.len, 7);
    assert_memory_equal(out.data, "\0\0\0\0end", 7);
    buffer_free(&out);
    assert_int_equal(tree_seek(f->tree, ino, 0, false, &found), 0);
    assert_int_equal(found, 0);
    assert_int_equal(tree_seek(f->tree, ino, 0, true, &found), 0);
    assert_true(found >= 5 && found <= 32768);
    assert_int_equal(tree_seek(f->tree, ino, found, false, &found), 0);
    assert_true(found <= far && found > far - 65536);
    assert_int_equal(tree_seek(f->tree, ino, far, true, &found), 0);
    assert_int_equal(found, far + 3);
    assert_int_equal(tree_seek(f->tree, ino, far + 3, true, &found), -ENXIO);
    struct op punch = {.type = OP_PUNCH, .ino = ino, .offset = 5, .size = far};
    fixture_must(f, punch);
    struct attr punched = fixture_getattr(f, ino);
    assert_int_equal(punched.size, far + 3);
    fixture_must(f, make_named(OP_UNLINK, INO_ROOT, "big"));
}

/* More than DROP_BYTES_MAX is removed piece by piece, by the commits that follow. */
static void large_files_are_removed_in_pieces(void **state)
{
    struct fixture *f = *state;
    struct op op = {.type = OP_PUT, .name = text("big")};
    op.data.len = VALUE_BYTES_MAX;
    op.data.data = malloc(op.data.len);
    memset((void *)op.data.data, 'b', op.data.len);
    uint64_t ino = fixture_must(f, op).ino;
    struct op cut = {.type = OP_TRUNCATE, .ino = ino};
    fixture_must(f, cut);
    struct tree_counts counts;
    assert_int_equal(tree_counts(f->tree, &counts), 0);
    assert_int_equal(counts.bytes, 0);
    fixture_must(f, make_write(ino, 10000, "new"));
    fixture_check(f);
    struct buffer out = {0};
    assert_int_equal(tree_read(f->tree, ino, 0, SIZE_MAX, &out), 0);
    assert_int_equal(out.len, 10003);
    for (size_t i = 0; i < 10000; i++)
        assert_int_equal(out.data[i], 0);
    buffer_free(&out);
    for (int i = 0; i < 20; i++) {
        fixture_must(f, make_write(ino, 0, "x"));
        assert_int_equal(tree_commit(f->tree), 0);
    }
    fixture_detach(f);
    fixture_sql(f, "CREATE TEMP TABLE empty (n INTEGER CHECK (n = 0));"
                   "INSERT INTO empty SELECT count(*) FROM trash;"
                   "INSERT INTO empty SELECT count(*) - 1 FROM chunk");
    fixture_attach(f);
    free((void *)op.data.data);
}

static void assert_bytes(struct fixture *f, uint64_t ino, const uint8_t *model, size_t len)
{
    struct buffer out = {0};
    assert_int_equal(tree_read(f->tree, ino, 0, SIZE_MAX, &out), 0);
    assert_int_equal(out.len, len);
    if (len > 0)
        assert_memory_equal(out.data, model, len);
    buffer_free(&out);
}

/* A file is cut, grown and written again while what was cut off is still being removed. A node's
 * progress with that makes no difference to the replicated state. */
/* Its remaining chunks are removed later, and are not seen again. */
static void a_large_file_becomes_small(void **state)
{
    struct fixture *f = *state;
    char *large = calloc(1, DROP_BYTES_MAX + 100000);
    struct op append = {.type = OP_APPEND, .data = text("longer")};
    memset(large, 'x', DROP_BYTES_MAX + 99999);
    append.ino = fixture_must(f, make_put("a", large)).ino;
    assert_int_equal(fixture_must(f, make_put("a", "small")).used, 5);
    fixture_assert_contents(f, append.ino, "small");
    fixture_must(f, append);
    fixture_assert_contents(f, append.ino, "smalllonger");
    fixture_must(f, make_put("a", large));
    fixture_assert_contents(f, append.ino, large);
    free(large);
}

static void cuts_are_removed_in_pieces(void **state)
{
    enum { LEN = 6 << 20 };
    struct fixture *f = *state, swift;
    uint8_t *model = calloc(1, LEN), *bytes = malloc(LEN);
    uint64_t seed = random_seed(), ino = fixture_make_file(f, INO_ROOT, "big");
    size_t len = 0;

    fixture_open(&swift);
    swift.time = f->time;
    assert_int_equal(fixture_make_file(&swift, INO_ROOT, "big"), ino);
    memset(bytes, 'b', LEN);
    for (int i = 0; i < 60; i++) {
        size_t at = random_below(&seed, LEN), size = random_below(&seed, (uint32_t)(LEN - at));
        struct op op = {.type = OP_TRUNCATE, .ino = ino, .size = at};
        uint32_t choice = random_below(&seed, 5);
        if (choice == 0) {
            op = (struct op){.type = OP_PUT, .name = text("big"), .data = bytes_of(bytes, size)};
            memset(model, 0, LEN);
            memcpy(model, bytes, size);
            len = size;
        } else if (choice < 3) {
            op = (struct op){.type = OP_WRITE, .ino = ino, .offset = at};
            op.data = bytes_of(bytes, size);
            memcpy(model + at, bytes, size);
            len = size > 0 && at + size > len ? at + size : len;
        } else {
            if (at < len)
                memset(model + at, 0, len - at);
            len = at;
        }
        fixture_must(f, op);
        fixture_must(&swift, op);
        assert_bytes(f, ino, model, len);
        for (int k = 0; k < 3; k++) { /* each commit takes some trash away */
            fixture_must(f, make_put("other", "x"));
            fixture_must(&swift, make_put("other", "x"));
            assert_int_equal(tree_commit(swift.tree), 0);
        }
        assert_true(fixture_digest(f) == fixture_digest(&swift));
    }
    fixture_check(f);
    fixture_close(&swift);
    free(model);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(times_never_go_back),
        FIXTURE_TEST(access_times_are_as_made_or_as_set),
        FIXTURE_TEST(attributes_are_set),
        FIXTURE_TEST(extended_attributes_are_set_and_listed),
        FIXTURE_TEST(extended_attributes_have_limits),
        FIXTURE_TEST(writes_and_appends_change_a_file),
        FIXTURE_TEST(impossible_changes_of_a_file_are_refused),
        FIXTURE_TEST(numbers_of_contents_run_out),
        FIXTURE_TEST(holes_read_as_zeros),
        FIXTURE_TEST(large_files_are_removed_in_pieces),
        FIXTURE_TEST(a_large_file_becomes_small),
        FIXTURE_TEST(cuts_are_removed_in_pieces),
    };
    return cmocka_run_group_tests_name("tree_contents", tests, NULL, NULL);
}
