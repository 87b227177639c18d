/* Directories that a PUT makes on its way: they go with their last key, and not before. */
#include "tree_fixture.h"

#include "command/level.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static int setup(void **state)
{
    int status = fixture_setup(state);
    fixture_must(*state, (struct op){.type = OP_LEVEL, .size = LEVEL_IMPLIED});
    return status;
}
#define IMPLIED_TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

static void put(struct fixture *f, const char *key)
{
    fixture_must(f, make_put(key, "value"));
}

static struct op make_delete(const char *key)
{
    return (struct op){.type = OP_DELETE, .name = text(key)};
}

static void delete_key(struct fixture *f, const char *key)
{
    struct op op = make_delete(key);
    struct op_result result;
    assert_int_equal(fixture_run(f, &op, 1, &result), 0);
    assert_true(result.existed);
}

/* The inode of a directory, whether or not it is there for keys. */
static uint64_t dir_of(struct fixture *f, const char *path)
{
    char names[256];
    uint64_t ino = INO_ROOT;
    snprintf(names, sizeof names, "%s", path);
    for (char *name = strtok(names, "/"); name; name = strtok(NULL, "/")) {
        struct attr attr;
        if (tree_lookup(f->tree, ino, text(name), &attr) < 0)
            return 0;
        ino = attr.ino;
    }
    return ino;
}

static void unlink_in(struct fixture *f, const char *dir, const char *name)
{
    fixture_must(f, make_named(OP_UNLINK, dir_of(f, dir), name));
}

static int resolve(struct fixture *f, const char *key)
{
    struct attr attr;
    return tree_resolve(f->tree, text(key), &attr);
}

/* ---- By key ---- */

static void parents_go_with_their_last_key(void **state)
{
    struct fixture *f = *state;
    uint64_t before = fixture_getattr(f, INO_ROOT).nlink;
    put(f, "a/b/c/d");
    put(f, "a/b/e");
    delete_key(f, "a/b/c/d");
    assert_int_equal(dir_of(f, "a/b/c"), 0);
    assert_int_not_equal(dir_of(f, "a/b"), 0);
    delete_key(f, "a/b/e");
    assert_int_equal(dir_of(f, "a"), 0);
    assert_int_equal(fixture_getattr(f, INO_ROOT).size, 0);
    assert_int_equal(fixture_getattr(f, INO_ROOT).nlink, before);
    put(f, "a/b");
    put(f, "a-b");
    delete_key(f, "a/b");
    put(f, "a");
}

static void directories_of_mkdir_stay(void **state)
{
    struct fixture *f = *state;
    uint64_t a = fixture_make_dir(f, INO_ROOT, "a");
    put(f, "a/b/c");
    uint64_t d = fixture_make_dir(f, dir_of(f, "a/b"), "d");
    put(f, "a/b/d/e/f");
    delete_key(f, "a/b/d/e/f");
    assert_int_equal(dir_of(f, "a/b/d"), d);
    assert_int_equal(dir_of(f, "a/b/d/e"), 0);
    delete_key(f, "a/b/c");
    fixture_must(f, make_named(OP_RMDIR, dir_of(f, "a/b"), "d"));
    assert_int_not_equal(dir_of(f, "a/b"), 0); /* mkdir used it */
    assert_int_equal(dir_of(f, "a"), a);
    assert_int_equal(fixture_do(f, make_put("a/b", "x")), -EISDIR);
    assert_int_equal(fixture_do(f, make_delete("a/b")), -EISDIR);
}

static void below_the_level_parents_stay(void **state)
{
    struct fixture *f = *state;
    put(f, "old/a");
    delete_key(f, "old/a");
    fixture_must(f, (struct op){.type = OP_LEVEL, .size = LEVEL_IMPLIED - 1});
    put(f, "older/a");
    fixture_must(f, (struct op){.type = OP_LEVEL, .size = LEVEL_IMPLIED});
    delete_key(f, "older/a");
    put(f, "new/a");
    delete_key(f, "new/a");
    assert_int_not_equal(dir_of(f, "old"), 0);
    assert_int_not_equal(dir_of(f, "older"), 0);
    assert_int_equal(dir_of(f, "new"), 0);
    assert_int_equal(fixture_do(f, make_put("old", "x")), -EISDIR);
}

/* ---- By file ---- */

/* Operations in `b` or on it, which holds `c`; `other` is a directory that somebody made. */
enum use {
    USE_CREATE,
    USE_MKNOD,
    USE_MKDIR,
    USE_SYMLINK,
    USE_LINK,
    USE_MOVE_INTO,
    USE_MOVE_WITHIN,
    USE_MOVE_ITSELF,
    USE_EXCHANGE,
    USE_EXCHANGE_BACK,
    USE_SETATTR,
    USE_SETXATTR,
    USE_REMOVEXATTR,
    USES,
};

static void use(struct fixture *f, enum use how, uint64_t other)
{
    uint64_t a = dir_of(f, "a"), b = dir_of(f, "a/b"), file = dir_of(f, "a/b/c");
    struct op symlink = make_named(OP_SYMLINK, b, "x");
    struct op link = make_named(OP_LINK, b, "x");
    struct op setattr = {.type = OP_SETATTR, .ino = b, .flags = OP_SET_MODE, .mode = 0700};
    struct op setxattr = {.type = OP_SETXATTR, .ino = b, .name = text("user.x")};
    symlink.data = text("target");
    link.ino2 = file;
    const struct op ops[USES] = {
        [USE_CREATE] = make_named(OP_CREATE, b, "x"),
        [USE_MKNOD] = make_named(OP_MKNOD, b, "x"),
        [USE_MKDIR] = make_named(OP_MKDIR, b, "x"),
        [USE_SYMLINK] = symlink,
        [USE_LINK] = link,
        [USE_MOVE_INTO] = make_rename(other, "f", b, "x", 0),
        [USE_MOVE_WITHIN] = make_rename(b, "c", b, "x", 0),
        [USE_MOVE_ITSELF] = make_rename(a, "b", a, "b2", 0),
        [USE_EXCHANGE] = make_rename(other, "f", a, "b", OP_EXCHANGE),
        [USE_EXCHANGE_BACK] = make_rename(b, "c", other, "f", OP_EXCHANGE),
        [USE_SETATTR] = setattr,
        [USE_SETXATTR] = setxattr,
        [USE_REMOVEXATTR] = {.type = OP_REMOVEXATTR, .ino = b, .name = text("user.x")},
    };
    if (how == USE_REMOVEXATTR)
        fixture_must(f, ops[USE_SETXATTR]);
    fixture_must(f, ops[how]);
}

static bool take_key(void *arg, struct bytes key, const struct attr *attr)
{
    struct buffer *out = arg;
    buffer_append(out, key.data, key.len);
    buffer_put_u8(out, 0);
    return false;
}

static void delete_all_keys(struct fixture *f)
{
    struct buffer key = {0}, resume = {0};
    bool more;
    for (;;) {
        key.len = 0;
        assert_int_equal(tree_keys(f->tree, NULL, bytes_of("", 0), bytes_of("", 0), 1 << 20,
                                   take_key, &key, &more, &resume),
                         0);
        if (key.len == 0)
            break;
        delete_key(f, (const char *)key.data);
    }
    buffer_free(&key);
    buffer_free(&resume);
}

static void a_directory_that_is_used_stays(void **state)
{
    for (int how = 0; how < USES; how++) {
        struct fixture f;
        fixture_open(&f);
        fixture_must(&f, (struct op){.type = OP_LEVEL, .size = LEVEL_IMPLIED});
        uint64_t other = fixture_make_dir(&f, INO_ROOT, "other");
        fixture_make_file(&f, other, "f");
        put(&f, "a/b/c");
        uint64_t b = dir_of(&f, "a/b");
        use(&f, how, other);
        delete_all_keys(&f);
        if (fixture_gone(&f, b))
            fail_msg("use %d", how);
        fixture_check(&f);
        fixture_close(&f);
    }
}

static void what_files_lose_does_not_use_the_directory(void **state)
{
    struct fixture *f = *state;
    put(f, "a/b/c");
    put(f, "a/b/d");
    put(f, "a/b/e/f");
    put(f, "a/b/g");
    unlink_in(f, "a/b", "c");
    fixture_must(f, make_rename(dir_of(f, "a/b"), "d", INO_ROOT, "d", 0));
    unlink_in(f, "a/b/e", "f");
    fixture_must(f, make_named(OP_RMDIR, dir_of(f, "a/b"), "e"));
    fixture_must(f, make_write(dir_of(f, "a/b/g"), 0, "x"));
    delete_key(f, "a/b/g");
    assert_int_equal(dir_of(f, "a"), 0);
}

static void files_that_are_removed_leave_their_directory(void **state)
{
    struct fixture *f = *state;
    put(f, "a/b/c");
    uint64_t b = dir_of(f, "a/b");
    unlink_in(f, "a/b", "c");
    assert_int_equal(dir_of(f, "a/b"), b);
    fixture_make_file(f, b, "c"); /* cd a/b; rm c; echo x >c */
    unlink_in(f, "a/b", "c");
    delete_all_keys(f);
    assert_int_equal(dir_of(f, "a/b"), b);
}

/* ---- What is left of them ---- */

static void for_keys_an_empty_one_is_not_there(void **state)
{
    struct fixture *f = *state;
    struct op_result result;
    for (int tries = 0; tries < 2; tries++) {
        put(f, "a/b/c/d");
        put(f, "a/b/e/f");
        unlink_in(f, "a/b/c", "d");
        assert_int_equal(resolve(f, "a/b/c"), -ENOENT);
        assert_int_equal(resolve(f, "a/b"), 0);
        assert_int_equal(fixture_do(f, make_put("a/b", "x")), -EISDIR);
        unlink_in(f, "a/b/e", "f");
        assert_int_equal(resolve(f, "a/b"), -ENOENT);
        assert_int_equal(resolve(f, "a"), -ENOENT);
        struct op op = tries ? make_put("a/b", "x") : make_delete("a/b");
        op.flags = OP_WANT_OLD;
        assert_int_equal(fixture_run(f, &op, 1, &result), 0);
        assert_false(result.existed || result.old_present);
        assert_int_equal(dir_of(f, "a") > 0, tries);
    }
    fixture_assert_contents(f, dir_of(f, "a/b"), "x");
    delete_key(f, "a/b");
    assert_int_equal(fixture_getattr(f, INO_ROOT).size, 0);
    assert_int_equal(fixture_getattr(f, INO_ROOT).nlink, 2);
}

static void anything_else_below_is_in_the_way(void **state)
{
    struct fixture *f = *state;
    struct op symlink = make_named(OP_SYMLINK, 0, "x");
    symlink.data = text("target");
    put(f, "a/b/c/d");
    unlink_in(f, "a/b/c", "d");
    const struct op made[] = {symlink, make_named(OP_MKDIR, 0, "x"), make_named(OP_MKNOD, 0, "x")};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        struct op op = made[i];
        op.ino = dir_of(f, "a/b/c");
        fixture_must(f, op);
        assert_int_equal(resolve(f, "a"), 0);
        assert_int_equal(fixture_do(f, make_put("a", "x")), -EISDIR);
        assert_int_equal(fixture_do(f, make_delete("a/b")), -EISDIR);
        fixture_must(f, make_named(op.type == OP_MKDIR ? OP_RMDIR : OP_UNLINK, op.ino, "x"));
    }
    assert_int_equal(fixture_do(f, make_put("a", "x")), -EISDIR); /* c was used */
}

static void conditions_see_that_it_is_not_there(void **state)
{
    struct fixture *f = *state;
    put(f, "a/b");
    unlink_in(f, "a", "b");
    struct op op = make_put("a", "x"), gone = make_delete("a");
    uint64_t a = dir_of(f, "a");
    op.flags = gone.flags = OP_IF_EXISTS;
    assert_int_equal(fixture_do(f, op), -ECANCELED);
    assert_int_equal(fixture_do(f, gone), -ECANCELED);
    op.flags = gone.flags = OP_IF_REVISION;
    op.revision = gone.revision = fixture_getattr(f, a).revision;
    assert_int_equal(fixture_do(f, op), -ECANCELED);
    assert_int_equal(fixture_do(f, gone), -ECANCELED);
    assert_int_equal(dir_of(f, "a"), a);
    op.flags = OP_IF_ABSENT;
    assert_int_equal(fixture_do(f, op), 0);
}

static void a_list_removes_and_puts_in_their_order(void **state)
{
    struct fixture *f = *state;
    put(f, "a/b/c");
    uint64_t b = dir_of(f, "a/b"), digest = fixture_digest(f);
    const struct op ops[] = {make_delete("a/b/c"), make_put("a", "x"), make_put("a/b", "x")};
    struct op_result result;
    assert_int_equal(fixture_run(f, ops, 3, &result), -ENOTDIR);
    assert_int_equal(dir_of(f, "a/b"), b); /* undone */
    assert_int_not_equal(fixture_digest(f), digest);
    assert_int_equal(fixture_run(f, ops, 2, &result), 0);
    fixture_assert_contents(f, dir_of(f, "a"), "x");
}

/* One operation does not remove, or look through, any number of them. */
static void the_work_of_one_operation_is_bounded(void **state)
{
    struct fixture *f = *state;
    char key[32];
    for (int i = 0; i < 1024; i++) {
        snprintf(key, sizeof key, "a/%d/c", i);
        put(f, key);
        snprintf(key, sizeof key, "a/%d", i);
        unlink_in(f, key, "c");
    }
    assert_int_equal(fixture_do(f, make_put("a", "x")), -EISDIR); /* with `a` it is one too many */
    assert_int_equal(fixture_do(f, make_delete("a/7")), 0);
    assert_int_equal(fixture_do(f, make_put("a", "x")), 0);
}

/* ---- Open directories ---- */

static bool wants(void *arg, uint64_t ino)
{
    return ino == *(uint64_t *)arg;
}

static void one_that_is_open_stays_readable(void **state)
{
    struct fixture *f = *state;
    put(f, "a/b/c");
    uint64_t b = dir_of(f, "a/b");
    struct tree_keeper keeper = {.wants = wants, .arg = &b};
    tree_keep(f->tree, &keeper);
    delete_key(f, "a/b/c");
    assert_int_equal(dir_of(f, "a"), 0);
    assert_int_equal(fixture_getattr(f, b).nlink, 0);
    assert_int_equal(tree_let_go(f->tree, b), 0);
    tree_keep_end(&keeper);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IMPLIED_TEST(parents_go_with_their_last_key),
        IMPLIED_TEST(directories_of_mkdir_stay),
        FIXTURE_TEST(below_the_level_parents_stay),
        cmocka_unit_test(a_directory_that_is_used_stays),
        IMPLIED_TEST(what_files_lose_does_not_use_the_directory),
        IMPLIED_TEST(files_that_are_removed_leave_their_directory),
        IMPLIED_TEST(for_keys_an_empty_one_is_not_there),
        IMPLIED_TEST(anything_else_below_is_in_the_way),
        IMPLIED_TEST(conditions_see_that_it_is_not_there),
        IMPLIED_TEST(a_list_removes_and_puts_in_their_order),
        IMPLIED_TEST(the_work_of_one_operation_is_bounded),
        IMPLIED_TEST(one_that_is_open_stays_readable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
