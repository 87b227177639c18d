/* The key tree: inodes that are gone and still wanted at this node. */
#include "tree_fixture.h"

#include "store/tree_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct wish {
    struct tree_keeper keeper;
    uint64_t ino; /* 0: nothing */
};

static bool wants(void *arg, uint64_t ino)
{
    const struct wish *wish = arg;
    return ino == wish->ino;
}

static void keep(struct fixture *f, struct wish *wish, uint64_t ino)
{
    *wish = (struct wish){.keeper = {.wants = wants, .arg = wish}, .ino = ino};
    tree_keep(f->tree, &wish->keeper);
}

static uint64_t make_large(struct fixture *f, const char *name)
{
    uint64_t ino = fixture_make_file(f, INO_ROOT, name);
    char *bytes = malloc(100001);
    memset(bytes, 'l', 100000);
    bytes[100000] = '\0';
    fixture_must(f, make_write(ino, 0, bytes));
    free(bytes);
    return ino;
}

static void assert_last_byte(struct fixture *f, uint64_t ino)
{
    struct buffer out = {0};
    assert_int_equal(tree_read(f->tree, ino, 99999, 10, &out), 0);
    assert_int_equal(out.len, 1);
    assert_int_equal(out.data[0], 'l');
    buffer_free(&out);
}

static void commit_often(struct fixture *f)
{
    for (int i = 0; i < 10; i++) {
        fixture_must(f, make_put("something", "else"));
        assert_int_equal(tree_commit(f->tree), 0);
    }
}

static void a_file_is_kept_while_it_is_read(void **state)
{
    struct fixture *f = *state;
    uint64_t small = fixture_make_file(f, INO_ROOT, "small");
    uint64_t large = make_large(f, "large");
    fixture_must(f, make_write(small, 0, "contents"));
    struct wish one;
    keep(f, &one, small);
    struct wish other;
    keep(f, &other, large);
    fixture_must(f, make_named(OP_UNLINK, INO_ROOT, "small"));
    fixture_must(f, make_named(OP_UNLINK, INO_ROOT, "large"));
    commit_often(f); /* which takes trash away */
    fixture_assert_contents(f, small, "contents");
    assert_last_byte(f, large);
    assert_int_equal(fixture_getattr(f, large).nlink, 0);
    assert_int_equal(fixture_getattr(f, large).size, 100000);

    /* Commands do not see them. */
    assert_int_equal(fixture_do(f, make_write(small, 0, "x")), -ESTALE);
    struct op link = make_named(OP_LINK, INO_ROOT, "again");
    link.ino2 = large;
    assert_int_equal(fixture_do(f, link), -ESTALE);

    /* An open wish for one keeps the tree from letting it go. */
    assert_int_equal(tree_let_go(f->tree, large), 0);
    assert_last_byte(f, large);
    other.ino = 0;
    assert_int_equal(tree_let_go(f->tree, large), 0);
    assert_true(fixture_gone(f, large));
    assert_false(fixture_gone(f, small));
    assert_int_equal(tree_let_go(f->tree, large), 0);
    tree_keep_end(&one.keeper);
    tree_keep_end(&other.keeper);
}

static void nothing_is_kept_after_a_restart(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = make_large(f, "large");
    struct wish wish;
    keep(f, &wish, ino);
    fixture_must(f, make_named(OP_UNLINK, INO_ROOT, "large"));
    tree_keep_end(&wish.keeper);
    fixture_reopen(f);
    assert_true(fixture_gone(f, ino));
}

/* The replicated contents are the same, kept or not. */
static void a_kept_file_is_not_replicated(void **state)
{
    struct fixture *f = *state, without;
    fixture_open(&without);
    without.time = f->time;
    uint64_t ino = make_large(f, "large");
    assert_int_equal(make_large(&without, "large"), ino);
    struct wish wish;
    keep(f, &wish, ino);
    fixture_must(f, make_named(OP_UNLINK, INO_ROOT, "large"));
    fixture_must(&without, make_named(OP_UNLINK, INO_ROOT, "large"));
    assert_false(fixture_gone(f, ino));
    assert_true(fixture_digest(f) == fixture_digest(&without));
    tree_keep_end(&wish.keeper);
    fixture_close(&without);
}

/* An inode that a node releases is no longer held by it, but may still be wanted there. */
static void a_file_is_kept_after_it_was_held(void **state)
{
    struct fixture *f = *state;
    uint64_t ino = fixture_make_file(f, INO_ROOT, "a");
    struct op unlink = make_named(OP_UNLINK, INO_ROOT, "a");
    unlink.hold = ino;
    fixture_must(f, unlink);
    fixture_must(f, make_write(ino, 0, "written without a name"));
    struct wish wish;
    keep(f, &wish, ino);
    int64_t before = fixture_getattr(f, ino).ctime;
    fixture_must(f, (struct op){.type = OP_RELEASE, .ino = ino});
    assert_true(fixture_getattr(f, ino).ctime > before);
    assert_int_equal(fixture_getattr(f, ino).nlink, 0);
    fixture_assert_contents(f, ino, "written without a name");
    wish.ino = 0;
    assert_int_equal(tree_let_go(f->tree, ino), 0);
    assert_true(fixture_gone(f, ino));
    tree_keep_end(&wish.keeper);
}

static uint64_t count_chunks(struct fixture *f)
{
    sqlite3_stmt *query;
    assert_int_equal(sql_prepare(&f->tree->sql, "SELECT count(*) FROM chunk", &query), 0);
    assert_int_equal(sql_step(&f->tree->sql, query), 1);
    uint64_t count = column_number(query, 0);
    sqlite3_finalize(query);
    return count;
}

/* More chunks than go at once stay until it is let go, and then go by and by. */
static void all_of_it_goes_in_the_end(void **state)
{
    enum { CHUNKS = 3 * REAP_CHUNKS };
    struct fixture *f = *state;
    char *bytes = calloc(1, CHUNKS * CHUNK_BYTES + 1);
    struct wish wish;

    memset(bytes, 'x', CHUNKS * CHUNK_BYTES);
    uint64_t ino = fixture_must(f, make_put("large", bytes)).ino;
    keep(f, &wish, ino);
    fixture_must(f, make_named(OP_UNLINK, INO_ROOT, "large"));
    commit_often(f);
    assert_int_equal(count_chunks(f), CHUNKS);
    wish.ino = 0;
    assert_int_equal(tree_let_go(f->tree, ino), 0);
    commit_often(f);
    assert_int_equal(count_chunks(f), 0);
    tree_keep_end(&wish.keeper);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(a_file_is_kept_while_it_is_read),
        FIXTURE_TEST(nothing_is_kept_after_a_restart),
        FIXTURE_TEST(a_kept_file_is_not_replicated),
        FIXTURE_TEST(a_file_is_kept_after_it_was_held),
        FIXTURE_TEST(all_of_it_goes_in_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
